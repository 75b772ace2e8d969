from a3b_tune.training import recipe_from


def test_flat_names_land_in_their_sections():
    found = recipe_from(
        {
            "model.name": "full_attention",
            "model.heads": 2,
            "optimizer.lr": 0.5,
            "training.clip": 1.0,
            "data.max_length": 7,
        },
        seed=3,
    )
    assert found.model_name == "full_attention"
    assert found.model_settings == {"heads": 2}
    assert (found.optimizer.lr, found.training.clip, found.max_length) == (0.5, 1.0, 7)
    assert found.seed == 3


def test_what_is_not_said_keeps_its_default():
    found = recipe_from({"model.name": "baseline"}, seed=0)
    assert found.optimizer.name == "adam"
    assert found.training.clip is None
    assert found.max_length is None


def test_rounds_are_epochs_of_rows_and_evaluations_of_a_text():
    rows = recipe_from({"model.name": "baseline", "training.epochs": 7}, seed=0)
    text = recipe_from(
        {"model.name": "causal_transformer", "training.steps": 600, "samples.top_k": 3}, seed=0
    )
    assert rows.training.rounds == 7
    assert text.training.rounds == 2
    assert (text.samples.top_k, text.samples.length, text.samples.seed_length) == (3, 200, 16)
