"""Figures draw what they are given: every run once, every interval, nothing where there is nothing."""

import numpy as np
import pandas as pd
import pytest

from tests.factories import make_runs
from workbench.reporting import figures, theme
from workbench.reporting.figures.models import shares


@pytest.fixture(scope="module")
def simulated():
    return make_runs(0)


@pytest.fixture(scope="module")
def table(simulated):
    runs = simulated[0]
    grid = runs[runs["role"] == "grid"].reset_index(drop=True)
    columns = {"n": grid["n_params"], "d": grid["tokens"], "c": grid["flops"]}
    return pd.DataFrame({"run_id": grid["run_id"], **columns, "loss": grid["loss"], "budget": grid["budget"]})


def visible_points(figure, name=None):
    """Number of finite points of the traces that draw markers."""
    traces = [t for t in figure.data if "markers" in (t.mode or "") and (name is None or t.name == name)]
    return sum(len([x for x in t.x if x is not None]) for t in traces)


def test_loss_against_compute_draws_each_run_once(table):
    figure = figures.loss_against_compute(table)
    assert visible_points(figure) == len(table)
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert "[FLOPs]" in figure.layout.xaxis.title.text
    assert "[nats/token]" in figure.layout.yaxis.title.text


def test_the_frontier_is_dotted_only_beyond_the_largest_compute(table):
    largest = float(table["c"].max())
    flops = np.geomspace(table["c"].min(), 10 * largest, 20)
    frontier = pd.DataFrame({"flops": flops, "loss": 3.0, "loss_low": 2.9, "loss_high": 3.1})
    figure = figures.loss_against_compute(table, None, frontier)
    inside = next(t for t in figure.data if t.name == "compute-optimal frontier")
    outside = next(t for t in figure.data if t.name == "extrapolated")
    assert max(inside.x) <= largest <= min(outside.x)
    assert outside.line.dash == "dot"


def test_isoflop_has_a_colour_a_budget_and_hollow_stars_where_not_bracketed(table):
    minima = pd.DataFrame(
        {"budget": [1e11, 1e13], "n_opt": [1e4, 1e5], "loss_opt": [5.0, 3.0], "bracketed": [True, False]}
    )
    figure = figures.isoflop(table, minima)
    budgets = [t for t in figure.data if t.showlegend and not (t.name or "").startswith(("minimum", "not"))]
    assert len(budgets) == table["budget"].nunique()
    assert len({t.marker.color for t in budgets}) == len(budgets)
    symbols = {t.name: t.marker.symbol for t in figure.data}
    assert symbols["minimum"] == "star"
    assert symbols["not bracketed"] == "star-open"


def test_the_optimum_is_drawn_for_n_and_d_with_bands_where_known():
    flops = np.geomspace(1e11, 1e15, 5)
    known = pd.DataFrame({"law": "chinchilla", "flops": flops, "n": 1e5, "n_low": 9e4, "n_high": 2e5, "d": 1e6})
    known = known.assign(d_low=9e5, d_high=2e6)
    bare = known.assign(law="envelope", n_low=np.nan, n_high=np.nan, d_low=np.nan, d_high=np.nan)
    figure = figures.optimum(pd.concat([known, bare]), None, 1e13)
    assert sum(t.fill == "toself" for t in figure.data) == 2
    assert [t.name for t in figure.data if t.showlegend is not False] == ["parametric L(N, D)", "envelope"]


def test_laws_keep_their_colours():
    assert len(set(theme.LAW_COLORS.values())) == len(theme.LAW_COLORS)
    assert set(theme.LAW_COLORS) <= set(theme.LAW_NAMES)


def test_residuals_are_percent_in_three_panels(table):
    figure = figures.residuals(table.assign(residual=np.log(1.01)))
    assert len(figure.data) == 3
    assert all(np.allclose(t.y, 1.0) for t in figure.data)
    assert len(figure.layout.shapes) == 3


def test_law_lines_have_one_line_a_size(table):
    lines = pd.DataFrame({"n": np.repeat([1e4, 1e5], 3), "d": np.tile([1e5, 1e6, 1e7], 2), "loss": 4.0})
    figure = figures.law_lines(table, lines)
    assert sum(t.mode == "lines" for t in figure.data) == 2


def test_the_backtest_shows_forecast_and_outcome(table):
    held = table[table["budget"] == 1e13].assign(predicted=3.0, low=2.9, high=3.1)
    figure = figures.backtest(table[table["budget"] < 1e13], held)
    assert visible_points(figure, "what it reached") == len(held)
    assert sum(t.fill == "toself" for t in figure.data) == 1
    assert not [t for t in figures.backtest(table, held.drop(columns=["low", "high"])).data if t.fill == "toself"]


@pytest.mark.parametrize("x", ["step", "tokens", "flops", "seconds"])
@pytest.mark.parametrize("y", ["train_loss", "loss", "bpb"])
def test_learning_curves_break_between_runs(simulated, x, y):
    runs, curves, _ = simulated
    figure = figures.learning_curves(runs, curves, x, y)
    lines = [t for t in figure.data if t.mode == "lines"]
    assert len(lines) == runs["n_params"].nunique()
    assert sum(value is None for t in lines for value in t.x) == len(runs)


def test_no_curves_is_a_sentence(simulated):
    runs, curves, _ = simulated
    figure = figures.learning_curves(runs, curves.iloc[:0])
    assert "No learning curve" in figure.layout.annotations[0].text


def test_thinning_keeps_first_and_last_of_every_run(simulated):
    curves = simulated[1]
    thin = figures.thin(curves, 5)
    assert thin.groupby("run_id").size().max() == 5
    for end in ("first", "last"):
        expected = getattr(curves.groupby("run_id")["step"], end)()
        pd.testing.assert_series_equal(getattr(thin.groupby("run_id")["step"], end)(), expected)


def test_thinning_no_curves_is_no_curves(simulated):
    assert figures.thin(simulated[1].iloc[:0], 5).empty


def test_the_rate_check_has_a_line_a_place():
    points = pd.DataFrame({"n": [1e4] * 3, "d": [1e6] * 3, "rate_factor": [0.5, 1.0, 2.0], "change": [0.01, 0, 0.02]})
    figure = figures.rate_check(pd.concat([points, points.assign(d=1e7)]))
    assert [t.name for t in figure.data] == ["N = 10k, D = 1M", "N = 10k, D = 10M"]
    assert list(figure.layout.xaxis.ticktext) == ["×0.5", "×1", "×2"]


def test_seed_noise_is_in_percent():
    figure = figures.seed_noise(pd.DataFrame({"c": [1e12, 1e12], "change": [-0.01, 0.01]}))
    assert list(figure.data[0].y) == [-1.0, 1.0]


def test_emergence_puts_exact_match_left_of_token_probability():
    rows = [
        {"n": n, "metric": metric, "key": key, "value": 0.5, "se": 0.01}
        for n in (1e4, 1e5)
        for metric in ("token_probability", "exact_match")
        for key in ("10", "2")
    ]
    figure = figures.emergence(pd.DataFrame(rows))
    assert [a.text for a in figure.layout.annotations] == ["exact match", "probability of a correct token"]
    assert [t.name for t in figure.data if t.showlegend is not False] == ["2", "10"]


def test_every_colour_is_told_apart_in_print():
    assert len(set(theme.CATEGORIES)) == len(theme.CATEGORIES)
    assert all(color.startswith("#") and len(color) == 7 for color in theme.CATEGORIES)


def test_errors_of_back_tests_are_hollow_where_an_interval_missed():
    points = pd.DataFrame(
        {
            "factor": [2.0, 2.0, 4.0],
            "distance": [1.8, 2.0, 4.0],
            "relative_error": [0.01, -0.02, 0.03],
            "inside": [True, False, True],
        }
    )
    near, far = figures.backtest_errors(points).data
    assert list(near.y) == pytest.approx([1.0, -2.0])
    assert list(near.customdata) == [1.8, 2.0]
    assert list(near.marker.symbol) == ["circle", "circle-open"]
    assert far.name.endswith("/4")
    shut = figures.backtest_errors(points.drop(columns="inside")).data[0]
    assert list(shut.marker.symbol) == ["circle", "circle"]


@pytest.mark.parametrize(("logarithmic", "kind"), [(True, "log"), (False, None)])
def test_observed_against_predicted_has_the_line_of_a_right_law(logarithmic, kind):
    points = pd.DataFrame({"observed": [0.2, 0.4], "predicted": [0.25, 0.35]})
    figure = figures.observed_predicted(points, "error", logarithmic)
    line, marks = figure.data
    assert list(line.x) == list(line.y) == [0.2, 0.4]
    assert list(marks.y) == [0.2, 0.4]
    assert figure.layout.xaxis.type == kind
    assert figure.layout.yaxis.title.text == "observed error"


def test_residuals_have_a_panel_for_each_axis_the_points_have():
    points = pd.DataFrame({"kl": [1.0, 4.0], "residual": [0.1, -0.1]})
    figure = figures.residuals(points, logarithmic=False)
    assert len(figure.data) == 1
    assert list(figure.data[0].y) == [0.1, -0.1]
    assert figure.layout.yaxis.title.text == "observed minus predicted"


def test_prices_have_a_line_a_technique_hollow_where_a_best_rate_is_not_bracketed():
    points = pd.DataFrame(
        {"variant": ["good", "bad"], "multiplier": [1.5, 0.5], "interval": [[1.2, 2.0], [0.4, 0.7]],
         "points": [4, 4], "bracketed": [4, 3]}
    )  # fmt: skip
    figure = figures.prices(points)
    (marks,) = figure.data
    assert list(marks.x) == [1.5, 0.5] and list(marks.y) == ["good", "bad"]
    assert list(marks.error_x.array) == pytest.approx([0.5, 0.2])
    assert list(marks.error_x.arrayminus) == pytest.approx([0.3, 0.1])
    assert list(marks.marker.symbol) == ["circle", "circle-open"]
    assert figure.layout.xaxis.type == "log" and figure.layout.yaxis.autorange == "reversed"
    assert [line.x0 for line in figure.layout.shapes] == [1]


def test_rates_have_a_panel_a_parameterisation_and_a_star_a_width():
    names, widths = ["mup", "standard"], [16, 64]
    optima = pd.DataFrame([(n, w, 0.01, 2.0) for n in names for w in widths], columns=KEYS)
    points = pd.DataFrame(
        [(n, w, r, 2.1) for n in names for w in widths for r in (0.02, 0.005, 0.01)], columns=KEYS
    )  # fmt: skip
    figure = figures.widths(points, optima)
    assert [a.text for a in figure.layout.annotations] == ["standard", "μP"]
    lines = [t for t in figure.data if t.mode == "lines+markers"]
    assert len(lines) == 4 and all(list(t.x) == [0.005, 0.01, 0.02] for t in lines)
    assert [t.name for t in lines if t.showlegend] == ["width 16", "width 64"]
    assert sum(t.marker.symbol == "star" for t in figure.data) == 4
    assert lines[0].line.color == lines[2].line.color != lines[1].line.color


KEYS = ["parameterisation", "width", "rate", "loss"]


def test_shares_of_each_whole_stand_one_after_another():
    bars = {"parameters": {"head": 1.0, "rest": 3.0}, "FLOPs": {"rest": 5.0, "scores": 5.0}}
    figure = shares(bars, {"head": "#111111", "rest": "#222222", "scores": "#333333", "none": "#444444"})
    spans = {trace.name: list(zip(trace.base, trace.x, strict=True)) for trace in figure.data}
    assert spans == {"head": [(0, 25), (0, 0)], "rest": [(25, 75), (0, 50)], "scores": [(100, 0), (50, 50)]}
