"""The JSON Schema of a study file, with which an editor completes and checks one as it is typed.

Says what each kind of value says of itself. The models and the keys of each are passed in, because
this floor does not know them; contradictions between keys are found when the file is loaded.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from a3b_tune.study.kinds import Kind
from a3b_tune.study.section import Section
from a3b_tune.study.sections import SECTIONS, kind_of
from a3b_tune.study.slurm import OPTION
from a3b_tune.study.specs import SPECS, Spec

Schema = dict[str, Any]
ANY = {"type": ["boolean", "number", "string"]}
NUMBER = {"type": "number"}
WORD = {"type": "string"}
OWN_MODEL = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"


def json_schema(model_settings: Mapping[str, Sequence[str]]) -> Schema:
    """The schema (draft 7, which TOML editors read) of a study file whose [model] may be one of
    `model_settings`: the keys of each model by the model's name."""
    sections = {name: _section(fields) for name, fields in SECTIONS.items() if fields}
    sections["model"] = _model(model_settings)
    sections["slurm"] = _slurm()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "a3b-tune study file",
        **_table({name: sections[name] for name in SECTIONS}, required=("data", "model")),
    }


def _section(fields: type[Section]) -> Schema:
    required = tuple(k for k, field in fields.model_fields.items() if field.is_required())
    text = str(fields.__doc__).partition("\n")[0]
    properties = {key: _key(fields, key) for key in fields.model_fields}
    # The name of a study is that of its file where none is given.
    named = tuple(key for key in required if fields is not SECTIONS["study"])
    return {"description": text, **_table(properties, named)}


def _key(fields: type[Section], key: str) -> Schema:
    field, kind = fields.model_fields[key], kind_of(fields, key)
    schema = _setting(kind) if kind else {"anyOf": _specs(SPECS[key])}
    default = field.default
    scalar = isinstance(default, bool | int | float | str)
    return {"description": field.description, **schema, **({"default": default} if scalar else {})}


def _setting(kind: Kind) -> Schema:
    value = kind.schema()
    if not kind.searchable:
        return value
    searched = [_choices(value)]
    if kind.ranges:
        searched.append(_range(value))
    return {"anyOf": [value, *searched]}


def _choices(value: Schema) -> Schema:
    items = {"type": "array", "items": value, "minItems": 1, "uniqueItems": True}
    return _table({"choices": items}, required=("choices",))


def _range(value: Schema) -> Schema:
    step = {"type": value["type"], "exclusiveMinimum": 0}
    ends = {"low": value, "high": value, "log": {"type": "boolean"}, "step": step}
    return _table(ends, required=("low", "high"))


def _specs(known: Mapping[str, type[Spec]]) -> list[Schema]:
    tables = [_spec(name, kind) for name, kind in known.items() if len(kind.model_fields) > 1]
    return [{"enum": list(known)}, *tables]


def _spec(name: str, kind: type[Spec]) -> Schema:
    options: dict[str, Schema] = {"name": {"const": name}}
    for key, field in kind.model_fields.items():
        if key != "name":
            found = next(part for part in field.metadata if isinstance(part, Kind))
            options[key] = {**found.schema(), "default": field.default}
    return _table(options, required=("name",))


def _model(model_settings: Mapping[str, Sequence[str]]) -> Schema:
    """The keys of the models that are known; a model of a person's own has keys that are not."""
    names: Schema = {"enum": list(model_settings)}
    keys = dict.fromkeys(key for settings in model_settings.values() for key in settings)
    setting = {"anyOf": [ANY, _choices(ANY), _range(NUMBER)]}
    properties = {"name": {"anyOf": [names, _choices(names)]}, **dict.fromkeys(keys, setting)}
    rules = [
        {
            "if": {"properties": {"name": {"const": name}}},
            "then": {"propertyNames": {"enum": ["name", *settings]}},
        }
        for name, settings in model_settings.items()
    ]
    text = "[model]: which model is trained, and its settings."
    own = {"pattern": OWN_MODEL, "type": "string"}
    some_own = _table({"choices": {"contains": own}}, required=("choices",))
    return {
        "description": text,
        "if": {"required": ["name"], "properties": {"name": {"anyOf": [own, some_own]}}},
        "then": {
            "properties": {"name": {"anyOf": [WORD, _choices(WORD)]}},
            "additionalProperties": setting,
        },
        "else": {**_table(properties, required=("name",)), "allOf": rules},
    }


def _slurm() -> Schema:
    text = "[slurm]: options of sbatch by their long names, for `a3b-tune submit`."
    options = {f"^{OPTION.replace('-]', '_-]')}$": ANY}
    return {"description": text, **_table({}, required=()), "patternProperties": options}


def _table(properties: Mapping[str, Schema], required: tuple[str, ...]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }
