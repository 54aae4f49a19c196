from __future__ import annotations

import pickle

import pytest

from exporter.errors import ConfigError
from exporter.sources.filesystem.categories import Categories, read_categories

SHIPPED = read_categories()


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("report.pdf", "document"), ("REPORT.PDF", "document"), ("a.tar.gz", "archive"),
        ("disk.vmdk", "virtual-machine"),
        ("pdf", "other"), ("no.extension.", "other"), ("", "other"), (".log", "log"), ("caf\udce9.jpg", "image"),
        ("core.\u212ao", "other"), ("x.no such", "other"),
    ],
)  # fmt: skip
def test_a_name_has_the_category_of_what_follows_its_last_dot(name, category):
    assert SHIPPED.of(name) == category


def test_there_are_about_ten_categories():
    assert 8 <= len(set(SHIPPED.values())) <= 12


def test_memory_for_unknown_extensions_is_limited():
    table = Categories({"log": ["log"]})
    for number in range(20_000):
        assert table.of(f"core.{number}") == "other"
    assert len(table) == 10_000
    assert table.of("A.LOG") == "log"


def test_a_table_survives_the_way_to_another_process():
    copy = pickle.loads(pickle.dumps(SHIPPED))
    assert (dict(copy), copy.of("x.PDF")) == (dict(read_categories()), "document")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- log", "lists of extensions by category"), ("log: txt", "'log': expected a list"),
        ("1: [txt]", "1: expected"),
        ("log: [tar.gz]", "'tar.gz' is no extension"), ("log: [1]", "1 is no extension"), ("log: [é]", "no extension"),
        ("log: [out]\ntext: [OUT]", "'OUT' is in both log and text"), ("[", "cannot be read"),
    ],
)  # fmt: skip
def test_a_table_that_is_wrong_says_where(tmp_path, text, said):
    path = tmp_path / "categories.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as failure:
        read_categories(path)
    assert str(path) in str(failure.value)


def test_a_table_that_is_missing_says_so(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_categories(tmp_path / "none.yaml")


def test_an_edited_table_is_taken(tmp_path):
    path = tmp_path / "categories.yaml"
    path.write_text("seismic: [sgy, segy]\n")
    assert read_categories(path).of("line.SEGY") == "seismic"
