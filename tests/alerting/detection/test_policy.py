"""The policy file: defaults, overrides, and every way to get it wrong."""

from pathlib import Path

import pytest

from alerting.detection.policy import ALSO_RENAMED, RENAMED, load_policy
from alerting.errors import PolicyError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(f"policy_version = 2\n{text}", encoding="utf-8")
    return path


def test_defaults_load():
    policy = load_policy()
    assert policy.windows.lengths_seconds == (900, 3600, 21600)
    assert policy.windows.evaluate_every_seconds == 15
    assert policy.baseline.prior_ratio.of("news") == 0.2


def test_a_file_states_only_what_differs(tmp_path):
    policy = load_policy(write(tmp_path, "[surge]\nmin_lift = 2.2\n[baseline.prior_ratio]\nnews = 0.1\n"))
    default = load_policy()
    assert policy.surge.min_lift == 2.2
    assert policy.baseline.prior_ratio.of("news") == 0.1
    assert policy.baseline.prior_ratio.of("comments") == default.baseline.prior_ratio.of("comments")
    assert policy.windows == default.windows


def test_hash_is_of_the_values_not_of_the_file(tmp_path):
    default = load_policy().hash
    assert len(default) == 16 and int(default, 16) >= 0
    same = "[time]\nmax_future_seconds = 300.0\n[surge]\np_value = " + str(load_policy().surge.p_value)
    assert load_policy(write(tmp_path, same)).hash == default
    assert load_policy(write(tmp_path, "[surge]\nmin_lift = 2.01")).hash != default


def test_a_policy_scaled_down_to_minutes_is_valid(tmp_path):
    text = """
        [windows]
        lengths_seconds = [60, 180]
        evaluate_every_seconds = 5
        [baseline]
        half_life_hours = 0.5
        bucket_seconds = 60
        lag_seconds = 180
        warm_up_hours = 0.05
    """
    assert load_policy(write(tmp_path, text)).baseline.lag_seconds == 180


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[surge]\nmin_lfit = 2", r"policy\.toml: unknown key surge\.min_lfit; .* surge\.min_lift"),
        ("[surges]\nmin_lift = 2", "unknown key surges; the nearest known one is surge"),
        (
            "[baseline.prior_ratio]\nnewz = 0.1",
            r"baseline\.prior_ratio\.newz; .* baseline\.prior_ratio\.news",
        ),
        ("[surge]\nmin_stories = '5'", r"surge\.min_stories: Expected `int`, got `str`"),
        ("[surge]\nmin_stories = true", r"surge\.min_stories: Expected `int`, got `bool`"),
        ("surge = 3", r"surge: Expected `object`, got `int`"),
        ("[surge]\np_value = 0", r"surge\.p_value: Expected `float` > 0"),
        ("[surge]\np_value = nan", r"surge\.p_value"),
        ("[baseline]\nhalf_life_hours = nan", r"baseline\.half_life_hours"),
        ("[baseline]\nhalf_life_hours = inf", r"baseline\.half_life_hours"),
        ("[windows]\nlengths_seconds = []", r"windows\.lengths_seconds: Expected `array` of length >= 1"),
        (
            "[windows]\nlengths_seconds = [900, 3600, 21601]",
            "21601 s must be a multiple of windows.eval.* 15 s",
        ),
        ("[windows]\nlengths_seconds = [3600, 900, 21600]", "must ascend"),
        ("[windows]\nevaluate_every_seconds = 45", "45 s must divide a minute"),
        ("[baseline]\nbucket_seconds = 1800", r"1800 s must be one of windows\.lengths_seconds"),
        ("[baseline]\nlag_seconds = 60", "must be at least the longest window"),
        ("[baseline]\nlag_seconds = 1e7", "must be at most 100 buckets"),
        ("[baseline]\nintraclass_correlation_max = 0.01", "must lie between"),
        ("[surge]\nclear_p_value = 1e-9", "would resolve while it fires"),
        ("[surge]\ncritical_p_value = 0.1", "what is critical must be abnormal"),
        ("[surge]\ncritical_lift = 1", "what is critical must be abnormal"),
        ("[surge]\nmin_negative_stories = 50", "must be at most surge.min_stories"),
        ("[time]\nstory_memory_seconds = 60", "counted twice"),
        ("[surge", "cannot be read as a policy"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(PolicyError, match=message):
        load_policy(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "policy_version is missing"),
        ("policy_version = 1\n", "policy_version is 1"),
        ("policy_version = 3\n", "policy_version is 3"),
        ('policy_version = "2"\n', "policy_version is '2'"),
        ("policy_version = 2.0\n", "policy_version is 2.0"),
    ],
)
def test_a_file_of_another_version_is_rejected_with_both_renamings(tmp_path, text, found):
    path = tmp_path / "old.toml"
    path.write_text(text + "[time]\nallowed_lateness_seconds = 5\n")
    with pytest.raises(PolicyError) as error:
        load_policy(path)
    message = str(error.value)
    assert f"old.toml: {found}; this release reads policy_version = 2" in message
    assert "time.allowed_lateness_seconds is now time.max_out_of_orderness_seconds" in message
    assert "time.pane_open_seconds is now time.allowed_lateness_seconds" in message
    assert "prior" not in message and "overdispersion" not in message, "the file states none of them"
    assert "\n" not in message


def test_every_renamed_key_that_an_old_file_states_is_named(tmp_path):
    path = tmp_path / "old.toml"
    path.write_text(
        "[baseline]\noverdispersion_max = 0.1\noverdispersion_prior_pairs = 600\nprior_stories = 20\n"
    )
    with pytest.raises(PolicyError) as error:
        load_policy(path)
    for renaming in (
        "baseline.overdispersion_max is now baseline.intraclass_correlation_max",
        "baseline.overdispersion_prior_pairs is now baseline.intraclass_correlation_pseudo_pairs",
        "baseline.prior_stories is now baseline.prior_pseudo_stories",
    ):
        assert renaming in str(error.value)


def test_new_names_of_renamed_keys_exist():
    policy = load_policy()
    for name in (*RENAMED.values(), *ALSO_RENAMED.values()):
        table, _, key = name.partition(".")
        assert hasattr(getattr(policy, table), key)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PolicyError, match=r"none\.toml: cannot be read as a policy"):
        load_policy(tmp_path / "none.toml")


def test_bytes_that_are_not_utf8_are_a_policy_error(tmp_path):
    (tmp_path / "policy.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy(tmp_path / "policy.toml")


def test_a_mark_that_editors_put_before_the_text_is_left_out(tmp_path):
    (path := tmp_path / "policy.toml").write_text("policy_version = 2\n", encoding="utf-8-sig")
    assert load_policy(path) == load_policy()
