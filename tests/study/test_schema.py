import json
import tomllib

import pytest
from hypothesis import given

from a3b_tune import models
from a3b_tune.study.catalogue import shipped
from a3b_tune.study.schema import json_schema
from a3b_tune.study.sections import SECTIONS, keys_of
from a3b_tune.study.settings import Choices
from a3b_tune.study.specs import PRUNERS
from a3b_tune.study.toml import dumps_toml
from tests.study.strategies import study_files

MODELS = {"baseline": ["width", "pool"], "full_attention": ["heads", "pool"]}
SCHEMA = json_schema(MODELS)


def test_the_schema_is_json_and_has_each_section_and_key_with_its_meaning():
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert list(SCHEMA["properties"]) == list(SECTIONS)
    for name in SECTIONS:
        section = SCHEMA["properties"][name]
        assert section["description"].startswith(f"[{name}]")
        if name != "model":
            assert list(section["properties"]) == keys_of(name)
            assert all(key["description"] for key in section["properties"].values())


def test_unknown_keys_are_refused_everywhere():
    def tables(schema):
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                yield schema
            for part in schema.values():
                yield from tables(part)
        if isinstance(schema, list):
            for part in schema:
                yield from tables(part)

    assert all(table["additionalProperties"] is False for table in tables(SCHEMA))
    assert len(list(tables(SCHEMA))) > 30


def test_a_setting_is_a_value_choices_or_a_range():
    value, choices, between = SCHEMA["properties"]["optimizer"]["properties"]["lr"]["anyOf"]
    assert value == {"type": "number", "exclusiveMinimum": 0.0}
    assert choices["properties"]["choices"]["items"] == value
    assert between["required"] == ["low", "high"]
    assert SCHEMA["properties"]["study"]["properties"]["trials"]["minimum"] == 1


def test_each_model_allows_its_own_keys():
    model = SCHEMA["properties"]["model"]["else"]
    assert set(model["properties"]) == {"name", "width", "pool", "heads"}
    allowed = {rule["if"]["properties"]["name"]["const"]: rule["then"] for rule in model["allOf"]}
    assert allowed["baseline"] == {"propertyNames": {"enum": ["name", "width", "pool"]}}


@pytest.mark.parametrize(
    ("model", "valid"),
    [
        ({"name": "baseline", "width": 8}, True),
        ({"name": "baseline", "heads": 8}, False),
        ({"name": "mine:Net", "layers": {"choices": [1, 2]}}, True),
        ({"name": "my.nets:Net", "heads": [1]}, False),
        ({"name": {"choices": ["baseline", "mine:Net"]}, "layers": 3}, True),
        ({"name": "my nets:Net"}, False),
        ({"name": "nets.Net", "layers": 3}, False),
        ({"layers": 3}, False),
    ],
)
def test_a_model_of_ones_own_has_keys_of_its_own(model, valid):
    jsonschema = pytest.importorskip("jsonschema")
    check = jsonschema.Draft7Validator(SCHEMA)
    assert check.is_valid({"data": {"name": "xor"}, "model": model}) == valid


def test_a_pruner_is_a_name_or_a_name_with_its_options():
    bare, *tables = SCHEMA["properties"]["study"]["properties"]["pruner"]["anyOf"]
    assert bare == {"enum": list(PRUNERS)}
    options = {t["properties"]["name"]["const"]: set(t["properties"]) - {"name"} for t in tables}
    assert options["patient"] == {"patience", "min_delta"}
    assert "none" not in options


@given(study_files)
def test_any_file_that_is_written_is_valid(file):
    jsonschema = pytest.importorskip("jsonschema")
    name = file.model["name"]
    names = name.choices if isinstance(name, Choices) else (name,)
    schema = json_schema({name: [key for key in file.model if key != "name"] for name in names})
    assert jsonschema.Draft7Validator(schema).is_valid(tomllib.loads(dumps_toml(file)))


def test_the_shipped_files_and_only_right_ones_are_valid():
    jsonschema = pytest.importorskip("jsonschema")
    keys = {name: list(models.settings_of(name)) for name in models.MODELS}
    check = jsonschema.Draft7Validator(json_schema(keys))
    files = [tomllib.loads(path.read_text()) for path in shipped().values()]
    assert all(check.is_valid(file) for file in files)
    assert not any(check.is_valid({**file, "training": {"epochs": 0}}) for file in files)
    assert not any(check.is_valid({**file, "model": {"name": "none"}}) for file in files)
