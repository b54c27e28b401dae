import pytest
from pydantic import BaseModel, ConfigDict

from hlsflow.foundation.errors import ConfigError
from hlsflow.foundation.strict_yaml import load_config, parse_yaml, validate


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    width: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    rate: float = 0.0
    layers: dict[str, Inner | None] = {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        ("-2.5e-1", -0.25),
        (".5", 0.5),
        ("7", 7),
        ("-8", -8),
        ("0x10", "error or number"),
        ("true", True),
        ("no", "no"),
        ("on", "on"),
        ("null", None),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2020-01-01", "2020-01-01"),
        ("quantized_bits(8,4,alpha=1)", "quantized_bits(8,4,alpha=1)"),
        ("ufixed<8,0>", "ufixed<8,0>"),
        ("'010'", "010"),
    ],
)
def test_scalars_are_what_they_look_like(text, value):
    found = parse_yaml(f"key: {text}", "f.yaml")["key"]
    assert found == (16 if text == "0x10" else value)
    assert isinstance(found, bool) == isinstance(value, bool)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "f.yaml: line 2: the key 'a' stands twice\n  a: 2\n  ^"),
        ("a: {b: 1, b: 2}", "f.yaml: line 1: the key 'b' stands twice\n  a: {b: 1, b: 2}\n            ^"),
        ("a:\n  b: 010", "f.yaml: line 2: '010' has leading zeros: write the number without them, or in quotes\n"
         "    b: 010\n       ^"),
        ("a: [1, 2\nb: 3", "f.yaml: line 2: expected ',' or ']', but got ':'\n  b: 3\n   ^"),
        ("a: 1\n b: 2", "f.yaml: line 2: mapping values are not allowed here\n   b: 2\n    ^"),
        ("a:\n\t- 1", "f.yaml: line 2: found character '\\t' that cannot start any token\n  \t- 1\n  ^"),
        ("1: a", "f.yaml: line 1: a key must be a plain word\n  1: a\n  ^"),
        ("a: !!python/object/apply:os.system [id]",
         "f.yaml: line 1: could not determine a constructor for the tag "
         "'tag:yaml.org,2002:python/object/apply:os.system'\n  a: !!python/object/apply:os.system [id]\n     ^"),
        ("", "f.yaml: expected `key: value` lines, found nothing"),
        ("- 1", "f.yaml: expected `key: value` lines, found [1]"),
        ("a: \x00", "f.yaml: not a YAML text: unacceptable character #x0000: special characters are not allowed\n"
         '  in "<unicode string>", position 3'),
    ],
)  # fmt: skip
def test_syntax_errors_show_the_line(text, message):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f.yaml")
    assert str(caught.value) == message


def test_deep_nesting_is_an_error_not_a_crash():
    with pytest.raises(ConfigError, match="not a YAML text"):
        parse_yaml("a: " + "[" * 5000, "f.yaml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"rat": 1.0}, "f.yaml: rat: unknown key; did you mean 'rate'?"),
        ({"qqq": 1.0}, "f.yaml: qqq: unknown key; known: layers, rate"),
        ({"rate": "1"}, "f.yaml: rate: input should be a valid number, not '1'"),
        ({"rate": True}, "f.yaml: rate: input should be a valid number, not True"),
        ({"layers": {"fc1": {"widht": 1}}}, "f.yaml: layers.fc1.widht: unknown key; did you mean 'width'?"),
        ({"layers": {"fc1": {"width": 1.5}}}, "f.yaml: layers.fc1.width: input should be a valid integer, not 1.5"),
        ({"rate": None, "rat": 1},
         "f.yaml: rate: input should be a valid number, not None\nf.yaml: rat: unknown key; did you mean 'rate'?"),
    ],
)  # fmt: skip
def test_mistakes_carry_the_key_path(data, message):
    with pytest.raises(ConfigError) as caught:
        validate(Outer, data, "f.yaml")
    assert str(caught.value) == message


def test_files_that_cannot_be_read(tmp_path):
    absent = tmp_path / "absent.yaml"
    with pytest.raises(ConfigError) as caught:
        load_config(Outer, absent)
    assert str(caught.value) == f"cannot read {absent}: No such file or directory"
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"a: \xff")
    with pytest.raises(ConfigError) as caught:
        load_config(Outer, binary)
    assert str(caught.value) == f"{binary}: not a UTF-8 text (byte 3)"
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (2 << 20))
    with pytest.raises(ConfigError) as caught:
        load_config(Outer, huge)
    assert str(caught.value) == f"cannot read {huge}: it is larger than 1 MiB"
