"""What others do with the same readings: predict_linear, Theil-Sen, ETS and AutoETS, asked the same questions."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
DAY = 86400.0
# Closes that the ETS models want at least.
_LEAST = 10
Answer = dict[str, FloatArray | float]


def _answer(middle: FloatArray, bands: dict[int, tuple[FloatArray, FloatArray]], now: float, capacity: float) -> Answer:
    """A date is where a curve meets the capacity: the median, and the two sides of the 80 % band."""

    def date(curve: FloatArray) -> float:
        if now >= capacity:
            return 0.0
        hit = np.flatnonzero(curve >= capacity)
        if not hit.size:
            return math.inf
        k = int(hit[0])
        before = now if k == 0 else float(curve[k - 1])
        return (k + (capacity - before) / max(float(curve[k]) - before, 1e-12 * capacity)) * DAY

    answer: Answer = {"p50": middle, "ttf_p50_s": date(middle)}
    for level, (low, high) in bands.items():
        answer[f"lo{level}"], answer[f"hi{level}"] = low, high
    low, high = bands.get(80, (middle, middle))
    answer["ttf_p10_s"], answer["ttf_p90_s"] = date(high), date(low)
    return answer


def _readings(t: FloatArray, used: FloatArray) -> tuple[FloatArray, FloatArray]:
    good = np.isfinite(used)
    t, first = np.unique(t[good], return_index=True)
    return t, used[good][first]


def predict_linear(t: FloatArray, used: FloatArray, capacity: float, days: int, window: float) -> Answer:
    t, y = _readings(t, used)
    x = (t - t[-1]) / DAY
    x, y = x[x >= -window], y[x >= -window]
    centred = x - x.mean()
    slope = float(centred @ y) / float(centred @ centred)
    return _answer(y.mean() + slope * (np.arange(1, days + 1) - x.mean()), {}, float(y[-1]), capacity)


def theil_sen(t: FloatArray, used: FloatArray, capacity: float, days: int, window: float) -> Answer:
    t, y = _readings(t, used)
    x = (t - t[-1]) / DAY
    x, y = x[x >= -window], y[x >= -window]
    thin = slice((x.size - 1) % max(1, x.size // 240), None, max(1, x.size // 240))
    x, y = x[thin], y[thin]
    i, j = np.triu_indices(x.size, 1)
    slope = float(np.median((y[j] - y[i]) / (x[j] - x[i])))
    return _answer(float(np.median(y - slope * x)) + slope * np.arange(1, days + 1), {}, float(y[-1]), capacity)


def _daily(t: FloatArray, used: FloatArray) -> FloatArray:
    t, y = _readings(t, used)
    bucket = np.floor((t[-1] - t) / DAY)
    last = np.flatnonzero(np.append(np.diff(bucket), -1) != 0)
    x = -bucket[last]
    return np.interp(np.arange(x[0], 1), x, y[last])


def _drift(y: FloatArray, capacity: float, days: int) -> Answer:
    """A line through the first and the last: what is left where a model refuses so few values."""
    drift = (y[-1] - y[0]) / max(1, y.size - 1)
    return _answer(y[-1] + drift * np.arange(1, days + 1), {}, float(y[-1]), capacity)


def ets(t: FloatArray, used: FloatArray, capacity: float, days: int) -> Answer:
    import pandas as pd
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    y = _daily(t, used)
    if y.size < _LEAST:
        return _drift(y, capacity, days)
    scale = float(np.mean(np.abs(y))) or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        season = {"seasonal": "add", "seasonal_periods": 7} if y.size >= 21 else {}
        model = ETSModel(pd.Series(y / scale), trend="add", damped_trend=True, **season)
        fit = model.fit(disp=False)
        predicted = fit.get_prediction(start=y.size, end=y.size + days - 1)
        middle = np.asarray(predicted.predicted_mean) * scale
        bands = {}
        for level in (80, 95):
            frame = predicted.summary_frame(alpha=1 - level / 100)
            bands[level] = (frame["pi_lower"].to_numpy() * scale, frame["pi_upper"].to_numpy() * scale)
    return _answer(middle, bands, float(y[-1]), capacity)


def auto_ets(t: FloatArray, used: FloatArray, capacity: float, days: int) -> Answer:
    from statsforecast.models import AutoETS

    y = _daily(t, used)
    if y.size < _LEAST:
        return _drift(y, capacity, days)
    scale = float(np.mean(np.abs(y))) or 1.0
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = AutoETS(season_length=7 if y.size >= 21 else 1).forecast(y / scale, days, level=[80, 95])
    bands = {k: (found[f"lo-{k}"] * scale, found[f"hi-{k}"] * scale) for k in (80, 95)}
    return _answer(found["mean"] * scale, bands, float(y[-1]), capacity)
