from __future__ import annotations

import pytest

from exporter.errors import SourceGarbled, SourceUnreachable
from exporter.model import ServiceLevel
from exporter.sources.commvault.service_level import fetch, parse

from .conftest import URL

DATASET = f"{URL}/cr/reportsplusengine/datasets/getslacounts/data"


def test_clients_that_met_and_missed_are_found_by_the_names_of_the_columns(payload):
    assert parse(payload("getslacounts")) == ServiceLevel(met=187, missed=13)
    turned = {
        "columns": [{"name": "PreviousCount"}, {"name": "CurrentCount"}, {"name": "SLAStatus"}],
        "records": [[7, 5, "Missed SLA"], [7, 1, "Missed SLA"]],
    }
    assert parse(turned) == ServiceLevel(met=0, missed=6)


COLUMNS = [{"name": "SLAStatus"}, {"name": "CurrentCount"}]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"columns": [{"name": "SLAStatus"}], "records": []}, "columns are SLAStatus: no SLAStatus or no CurrentCount"),
        ({"columns": [{"name": "SLAStatus"}, {"name": "TotalCount"}], "records": []}, "SLAStatus, TotalCount: no"),
        ({"columns": [{"name": "CurrentCount"}], "records": []}, "columns are CurrentCount: no SLAStatus"),
        (
            {"columns": COLUMNS, "records": []},
            "columns are SLAStatus, CurrentCount: no row says Met SLA or Missed SLA, SLAStatus says nothing",
        ),
        (
            {"columns": COLUMNS, "records": [["Paused", 4], ["Excluded", 4]]},
            "columns are SLAStatus, CurrentCount: no row .* SLAStatus says Excluded, Paused",
        ),
        ({"columns": COLUMNS, "records": [["Met SLA"]]}, "does not fit"),
        ({"columns": COLUMNS, "records": [["Met SLA", "many"]]}, "invalid literal"),
        ({"columns": 5}, "columns"),
        ({"columns": [{}], "records": []}, "no field 'name'"),
    ],
)
def test_a_table_that_does_not_say_is_garbled(answer, said):
    with pytest.raises(SourceGarbled, match=f"GET /cr/reportsplusengine.*{said}"):
        parse(answer)


def test_the_dataset_is_the_configured_one(client, poll, requests_mock, payload):
    requests_mock.get(DATASET.replace("getslacounts", "7f0c"), json=payload("getslacounts"))
    assert fetch(client(sla_dataset="7f0c"), poll()).met == 187


def test_a_data_source_that_failed_is_a_failure(client, poll, requests_mock, payload):
    requests_mock.get(DATASET, json=payload("getslacounts") | {"failures": {"cs02": "timeout"}})
    with pytest.raises(SourceUnreachable, match="could not ask all of its data sources"):
        fetch(client(), poll())
