"""EBBTIDE-MIB is what the bridge sends, and a compiler takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pysmi.codegen.pysnmp import PySnmpCodeGen
from pysmi.compiler import MibCompiler
from pysmi.parser.smi import parserFactory
from pysmi.reader.localfile import FileReader
from pysmi.searcher.stub import StubSearcher
from pysmi.writer.pyfile import PyFileWriter
from pysnmp.smi.builder import DirMibSource, MibBuilder
from pysnmp.smi.view import MibViewController

from exporter.bridge.config import PLAYPEN
from exporter.bridge.mib import ANY_ALERT, NOTIFICATIONS, OBJECTS, module
from tests.promql import ROOT, rule_files, rules
from tests.servers import NODE, leave_out

# Everybody's modules, which the node.js library of that name brings along.
BASE = NODE / "node_modules/net-snmp/lib/mibs"
SHIPPED = ROOT / "snmp/EBBTIDE-MIB.txt"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The names of the module by number, as an SNMP manager has them."""
    folder = tmp_path_factory.mktemp("mib")
    compiler = MibCompiler(parserFactory()(), PySnmpCodeGen(), PyFileWriter(str(folder)))
    if not BASE.is_dir():
        leave_out("the modules that every MIB imports are missing: npm ci --prefix tests/node")
    compiler.add_sources(FileReader(str(SHIPPED.parent)), FileReader(str(BASE)))
    compiler.add_searchers(StubSearcher(*PySnmpCodeGen.baseMibs))
    done = compiler.compile("EBBTIDE-MIB", rebuild=True, genTexts=True)["EBBTIDE-MIB"]
    assert done == "compiled", getattr(done, "error", done)
    builder = MibBuilder()
    builder.add_mib_sources(DirMibSource(str(folder)))
    builder.load_modules("EBBTIDE-MIB")
    return MibViewController(builder)


def named(view: Any, oid: str) -> str:
    _, label, rest = view.get_node_name(tuple(map(int, oid.split("."))))
    assert rest == ()
    return str(label[-1])


def test_the_shipped_module_is_what_the_code_says() -> None:
    """Stale? `ebbtide docs --mib > snmp/EBBTIDE-MIB.txt`."""
    assert SHIPPED.read_text(encoding="utf-8") == module()


@pytest.mark.server
# pysmi writes modules for pysnmp in words that pysnmp calls old.
@pytest.mark.filterwarnings("ignore:.* is deprecated. Please use:DeprecationWarning")
def test_every_number_that_is_sent_has_its_name(compiled: Any) -> None:
    for number, one in enumerate(OBJECTS, start=1):
        assert named(compiled, f"{PLAYPEN}.1.{number}") == one.name
    assert named(compiled, f"{PLAYPEN}.0.{ANY_ALERT}") == "ebbtideAlert"
    for alert, number in NOTIFICATIONS.items():
        assert named(compiled, f"{PLAYPEN}.0.{number}") == alert[0].lower() + alert[1:]


def test_every_alert_has_a_number_of_its_own() -> None:
    """A new alert takes the next number in exporter/bridge/mib.py; a number is never given again."""
    alerts = {rule["alert"] for rule in rules(rule_files()) if "alert" in rule}
    assert not alerts - NOTIFICATIONS.keys()
    numbers = [ANY_ALERT, *NOTIFICATIONS.values()]
    assert len(numbers) == len(set(numbers))


def test_the_module_travels_with_the_exporter(tmp_path: Path) -> None:
    from exporter import bundle

    assert tmp_path / "snmp/EBBTIDE-MIB.txt" in bundle.write_out(tmp_path)
