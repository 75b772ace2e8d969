import csv
import io
import json

import pytest

from a3b_tune.results.dashboard.fragments import curve_id
from tests.results import building
from tests.results.dashboard.visiting import as_json, site

STUDY = "/api/studies/1"


def sent(found, method, path, body):
    return found.ask(method, path, **as_json(body))


def trial_of(found, number=0):
    return found.json(STUDY)["trials"][number]


def test_a_trials_curves_are_an_artifact_and_stand_in_its_note(unlocked):
    trial = trial_of(unlocked)
    (curves,) = trial["artifacts"]
    place = f"/artifacts/1/{trial['trial_id']}/{curves['artifact_id']}"
    assert f"]({place})" in trial["note"]["body"]
    answer = unlocked.ask("GET", place)
    assert (answer.status, answer.header("Content-Type")) == ("200 OK", "image/png")
    assert answer.body.startswith(b"\x89PNG")


def test_what_never_was_trained_has_no_curves(unlocked):
    trial = trial_of(unlocked, 2)
    assert trial["artifacts"] == []
    assert "/artifacts/" not in trial["note"]["body"]
    place = f"/artifacts/1/{trial['trial_id']}/{curve_id(trial['trial_id'])}"
    assert unlocked.ask("GET", place).status[:3] == "404"


@pytest.mark.parametrize(("study", "trial"), [(1, 999), (999, 1), (2, 1), (10**17, 10**17)])
def test_curves_of_nothing_are_not_found(unlocked, study, trial):
    place = f"/artifacts/{study}/{trial}/{curve_id(trial)}"
    assert unlocked.ask("GET", place).status[:3] == "404"


def test_curves_cannot_be_taken_away(unlocked):
    answer = unlocked.ask("DELETE", f"/api/artifacts/1/1/{curve_id(1)}")
    assert answer.status[:3] == "409"
    assert trial_of(unlocked)["artifacts"]


def test_a_note_that_somebody_typed_stays(unlocked, mixed_url):
    ours = trial_of(unlocked)["note"]
    assert ours["version"] == 0
    place = f"{STUDY}/1/note"
    typed = {"version": 1, "body": "mine, " * 1000}
    assert sent(unlocked, "PUT", place, typed).status[:3] == "204"
    assert trial_of(unlocked)["note"] == typed
    assert sent(unlocked, "PUT", place, {"version": 1, "body": "late"}).status[:3] == "409"
    assert trial_of(site(mixed_url))["note"] == typed
    assert trial_of(unlocked, 1)["note"]["version"] == 0
    assert sent(unlocked, "PUT", place, {"version": 2, "body": ""}).status[:3] == "204"
    assert trial_of(unlocked)["note"] == {"version": 2, "body": ""}


def test_so_does_the_studys(unlocked):
    assert "**Which pool" in unlocked.json(STUDY)["note"]["body"]
    assert sent(unlocked, "PUT", f"{STUDY}/note", {"version": 1, "body": "x"}).status[:3] == "204"
    assert unlocked.json(STUDY)["note"] == {"version": 1, "body": "x"}


def test_files_beside_a_trial_come_and_go(unlocked):
    """Also those of one that has ended, which Optuna lets nobody change."""
    running = trial_of(unlocked, 6)
    place = f"/api/artifacts/1/{running['trial_id']}"
    content = "data:text/plain;base64,aGVsbG8="
    added = sent(unlocked, "POST", place, {"file": content, "filename": "a.txt"})
    assert added.status[:3] == "201"
    name = json.loads(added.body)["artifact_id"]
    assert name in [one["artifact_id"] for one in trial_of(unlocked, 6)["artifacts"]]
    assert unlocked.ask("GET", f"/artifacts/1/{running['trial_id']}/{name}").body == b"hello"
    ended = f"/api/trials/{running['trial_id']}/tell"
    assert sent(unlocked, "POST", ended, {"state": "fail"}).status[:3] == "204"
    assert unlocked.ask("DELETE", f"{place}/{name}").status[:3] == "204"
    assert name not in json.dumps(trial_of(unlocked, 6))
    assert unlocked.ask("GET", f"/artifacts/1/{running['trial_id']}/{name}").status[:3] == "404"


def test_a_study_is_deleted_though_a_file_of_it_is_gone(unlocked, mixed_url):
    sent(unlocked, "POST", "/api/artifacts/1", {"file": "data:,eA==", "filename": "a.txt"})
    for file in (mixed_path(mixed_url).parent / "artifacts").iterdir():
        file.unlink()
    assert unlocked.ask("DELETE", STUDY).status[:3] == "204"
    assert unlocked.ask("GET", STUDY).status[:3] == "404"


def mixed_path(url):
    from pathlib import Path

    return Path(url.removeprefix("sqlite:///"))


def test_our_studies_keep_their_names(unlocked):
    answer = sent(unlocked, "POST", f"{STUDY}/rename", {"study_name": "another"})
    assert answer.status[:3] == "409"
    assert "keeps its name" in json.loads(answer.body)["reason"]
    assert unlocked.json(STUDY)["name"] == "small"


def test_others_may_be_renamed(unlocked):
    sent(unlocked, "POST", "/api/studies", {"study_name": "theirs", "directions": ["minimize"]})
    answer = sent(unlocked, "POST", "/api/studies/2/rename", {"study_name": "another"})
    assert answer.status[:3] == "201"


def test_the_table_is_the_one_that_export_makes(unlocked):
    answer = unlocked.ask("GET", "/csv/1")
    assert answer.header("Content-Disposition") == 'attachment; filename="small.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [row["number"] for row in rows] == [str(k) for k in range(len(building.MIXED))]
    assert rows[0]["accuracies"] == "0.5 0.75 0.7"
    chosen = unlocked.ask("GET", "/csv/1?trial_ids=4,0,99")
    assert [row["number"] for row in csv.DictReader(io.StringIO(chosen.body.decode()))] == [
        "0",
        "4",
    ]


@pytest.mark.parametrize("path", ["/api/studies/9", "/csv/9", f"/api/studies/{'9' * 18}"])
def test_what_is_not_there_is_not_found(unlocked, path):
    assert unlocked.ask("GET", path).status[:3] == "404"
    assert unlocked.told == []
