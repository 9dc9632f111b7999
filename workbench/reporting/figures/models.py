"""What a model is made of: each bar a whole, divided into its parts."""

from collections.abc import Mapping

import plotly.graph_objects as go

from workbench.reporting import theme

LEAST_LABELLED = 0.05
"""A smaller part has no room for its number, which the hover tells."""

LIGHT_COLORS = {theme.SKY, theme.ORANGE, theme.PURPLE}
LEAST_NAMED = 0.003
"""A part smaller than this in every bar is too thin to see, and the legend leaves it out."""

DARK = "#101010"
"""A number upon a light colour is dark, on a dark page too."""


def shares(bars: Mapping[str, Mapping[str, float]], colors: Mapping[str, str]) -> go.Figure:
    """Horizontal bars of 100%: `bars` is name of a bar → part → amount, `colors` part → colour, in the legend's order.

    A bar whose parts add up to nothing is left empty.
    """
    figure = theme.blank(130 + 62 * len(bars))
    names = list(bars)
    begun = dict.fromkeys(names, 0.0)
    for part, color in colors.items():
        amounts = [float(bars[name].get(part, 0)) for name in names]
        if not any(amounts):
            continue
        whole = [sum(bars[name].values()) or 1.0 for name in names]
        share = [amount / total for amount, total in zip(amounts, whole, strict=True)]
        figure.add_trace(
            go.Bar(
                y=names,
                x=[100 * one for one in share],
                base=list(begun.values()),
                orientation="h",
                name=part,
                showlegend=max(share) >= LEAST_NAMED,
                marker={"color": color, "line": {"color": "white", "width": 1}},
                text=[f"{100 * one:.0f}%" if one >= LEAST_LABELLED else "" for one in share],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": DARK if color in LIGHT_COLORS else "#fdfdfd", "size": 13},
                hovertext=[
                    f"{part}: {amount:.4g}, {100 * one:.1f}%" for amount, one in zip(amounts, share, strict=True)
                ],
                hoverinfo="text",
            )
        )
        begun = {name: begun[name] + 100 * one for name, one in zip(names, share, strict=True)}
    figure.update_layout(barmode="overlay", bargap=0.35, legend={"traceorder": "normal"})
    figure.update_xaxes(range=[0, 100], ticksuffix="%", title={"text": "share of the whole"})
    return figure.update_yaxes(autorange="reversed", showgrid=False, ticks="")
