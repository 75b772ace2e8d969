"""What to try: study files, their settings and ranges, as plain validated data.

Knows neither torch nor Optuna, and none of the rooms above it.
"""

from a3b_tune.study.catalogue import find, shipped
from a3b_tune.study.ceiling import WHY, ceiling_kind, study_ceiling_kind
from a3b_tune.study.differences import differences
from a3b_tune.study.file import StudyFile, load, loads
from a3b_tune.study.metric import ACCURACY, BITS, METRICS, Metric
from a3b_tune.study.overriding import override
from a3b_tune.study.scalars import Scalar
from a3b_tune.study.schema import json_schema
from a3b_tune.study.section import TEXT_DATA
from a3b_tune.study.settings import Choices, Range, Setting, parse_setting, show_setting
from a3b_tune.study.toml import dumps_toml

__all__ = [
    "ACCURACY",
    "BITS",
    "METRICS",
    "TEXT_DATA",
    "WHY",
    "Choices",
    "Metric",
    "Range",
    "Scalar",
    "Setting",
    "StudyFile",
    "ceiling_kind",
    "differences",
    "dumps_toml",
    "find",
    "json_schema",
    "load",
    "loads",
    "override",
    "parse_setting",
    "shipped",
    "show_setting",
    "study_ceiling_kind",
]
