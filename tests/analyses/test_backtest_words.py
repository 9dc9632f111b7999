"""What other laws say beside a forecast, and how it is worded."""

from workbench.analyses.backtest_words import elsewhere

LEVEL = 0.95
ROWS = [
    {"multiple": 10.0, "loss_low": 1.2, "loss_high": 1.3},
    {"multiple": 100.0, "loss_low": 1.0, "loss_high": 1.2},
]


def test_a_law_outside_the_interval_is_named_with_its_loss_and_where():
    said = elsewhere(LEVEL, ROWS, {"kaplan-nd": {10.0: 1.171, 100.0: 1.1}})
    assert "kaplan-nd gives a loss of 1.171 at 10× the largest budget, outside the 95% interval" in said


def test_laws_inside_the_interval_or_without_a_loss_are_not_mentioned():
    assert elsewhere(LEVEL, ROWS, {"kaplan-nd": {10.0: 1.25, 100.0: float("nan")}}) == ""
    assert (
        elsewhere(LEVEL, [{"multiple": 10.0, "loss_low": float("nan"), "loss_high": float("nan")}], {"b": {10.0: 9.0}})
        == ""
    )
