"""The second opinion: exponential smoothing of the cleaned daily closes."""

from __future__ import annotations

import warnings

import numpy as np

from exporter.analysis.forecast.drift import Growth
from exporter.analysis.forecast.paths import PATHS, chances
from exporter.analysis.forecast.series import FloatArray, Paths

# Fewer closes leave nothing to estimate with.
LEAST_DAYS = 14


def simulate_ets(growth: Growth, close: FloatArray, excess: FloatArray, days: int) -> tuple[Paths, Paths]:
    """(days, PATHS) closes and peaks of each day, relative to today's close, from ETS(A, Ad, A or N).

    close (n + 1,): without steps; excess (n + 1,): how far each day's peak was above its close.
    statsmodels takes a second to import, so it is imported here and nowhere else.
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    period = growth.profile.size
    season = {"seasonal": "add", "seasonal_periods": period} if 0 < period <= close.size // 3 else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ETSModel(close, trend="add", damped_trend=True, **season)
        fit = model.fit(disp=False, maxiter=200)
        errors = chances(days).far * float(np.std(fit.resid))
        simulated = fit.simulate(days, anchor="end", repetitions=PATHS, random_errors=errors)
    paths = np.asarray(simulated, dtype=np.float64).reshape(days, PATHS)
    paths = np.where(np.isfinite(paths), paths, close[-1]) - close[-1]
    index = (chances(days).which * excess.size).astype(np.intp)
    return paths.astype(np.float32), (paths + excess[index]).astype(np.float32)
