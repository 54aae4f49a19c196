"""The PowerShell script, which cannot be run here: parsed, its promises looked for, its keys compared with payloads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import tree_sitter
import tree_sitter_powershell

from exporter import bundle
from exporter.sources.veeam.drop_file import SCHEMA_VERSION
from tests.sources.veeam.conftest import PAYLOADS

SCRIPT = bundle.path("veeam/Export-VeeamSessions.ps1")
SOURCE = SCRIPT.read_bytes()
POWERSHELL = tree_sitter.Language(tree_sitter_powershell.language())


def parsed(source: bytes) -> tree_sitter.Node:
    return tree_sitter.Parser(POWERSHELL).parse(source).root_node


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def texts(kind: str, inside: tree_sitter.Node | None = None) -> list[str]:
    return [node.text.decode() for node in walk(inside or parsed(SOURCE)) if node.type == kind]


def hash_keys() -> list[list[str]]:
    """The keys of each hash table, in the order they are written."""
    tables = [node for node in walk(parsed(SOURCE)) if node.type == "hash_literal_expression"]
    return [texts("key_expression", table) for table in tables]


def test_it_is_powershell_without_a_syntax_error():
    assert not parsed(SOURCE).has_error
    assert parsed(SOURCE.replace(b"try {", b"try (", 1)).has_error, "the parser would have seen one"


def test_windows_powershell_reads_it_without_a_byte_order_mark():
    """Which takes a file without one for the code page of the country."""
    assert SOURCE.isascii()


@pytest.mark.parametrize("shell", ["powershell-5.1", "powershell-7"])
def test_it_writes_the_keys_that_the_payloads_have(shell):
    document = json.loads((PAYLOADS / "veeam-script-1" / f"{shell}.json").read_text(encoding="utf-8"))
    sessions = document["sessions"]
    [record, *_] = sessions if isinstance(sessions, list) else sessions["value"]
    assert hash_keys() == [list(record), list(document)]


def test_it_says_which_schema_and_unit_it_writes():
    pairs = dict(re.findall(r"^ +(\w+) += ('?\w+'?)$", SOURCE.decode(), re.MULTILINE))
    assert (pairs["schema_version"], pairs["unit"]) == (str(SCHEMA_VERSION), "'percent'")


def test_sessions_are_asked_for_once_and_nothing_is_changed():
    """A call in a loop reads the whole history each time; of Veeam's commands only one that gets is used."""
    commands = texts("command_name")
    assert commands.count("Get-VBRBackupSession") == 1
    veeam = {
        c for c in commands if re.match(r"(?!Import-|Add-PSSnapin|Get-Command|Get-Module)\w+-(VBR|VEM|V[A-Z]{2})", c)
    }
    assert veeam == {"Get-VBRBackupSession"}
    [call] = [n for n in walk(parsed(SOURCE)) if n.type == "command_name" and n.text == b"Get-VBRBackupSession"]
    above = call
    while above := above.parent:
        assert above.type not in ("foreach_statement", "while_statement", "for_statement", "function_statement")


def test_it_uses_nothing_that_only_powershell_7_has():
    code = SOURCE.decode()
    for comment in texts("comment"):
        code = code.replace(comment, "")
    assert not re.search(r"\?\?|\?\.|\?\[|&&|\|\|| \? ", code)
    assert not re.search(r"-(AsArray|EnumsAsStrings|AsUTC)\b|utf8NoBOM", SOURCE.decode())


def test_depth_is_given_and_enough():
    [depth] = re.findall(r"ConvertTo-Json .*-Depth (\d+)", SOURCE.decode())
    assert int(depth) >= 3


def test_the_file_is_written_beside_the_old_one_and_then_put_in_its_place():
    calls = [m.rpartition("::")[2] for m in re.findall(r"\[System\.IO\.File\]::\w+", SOURCE.decode())]
    assert calls.index("WriteAllText") < calls.index("Replace") < calls.index("Move")
    assert '$temporary = "$target.$PID.tmp"' in SOURCE.decode()
    assert "UTF8Encoding -ArgumentList $false" in SOURCE.decode(), "without a byte order mark"
    assert not {"Out-File", "Set-Content", "Add-Content"} & set(texts("command_name"))


def test_it_ends_with_a_code_and_knows_no_secret():
    assert re.findall(r"^ +exit (\d)$", SOURCE.decode(), re.MULTILINE) == ["0", "1"]
    assert not re.search(r"(?i)credential|securestring|-password|Connect-VBRServer", SOURCE.decode())


def test_its_help_says_how_to_schedule_it_and_that_it_was_never_run():
    [help_text] = re.findall(rb"<#.*?#>", SOURCE, re.DOTALL)
    words = " ".join(help_text.decode().split())
    assert "schtasks /Create" in words
    assert "has not yet been run on a real server" in words
    for parameter in ("Path", "Days"):
        assert f".PARAMETER {parameter}" in words


def test_provision_writes_it_out_with_the_rest(tmp_path):
    bundle.write_out(tmp_path)
    assert (tmp_path / "veeam" / "Export-VeeamSessions.ps1").read_bytes() == SOURCE
