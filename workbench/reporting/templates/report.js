// Each figure is drawn from the specification that stands beside it.
for (const spec of document.querySelectorAll("script.spec")) {
  const plot = JSON.parse(spec.textContent);
  const target = document.getElementById(spec.dataset.plot);
  Plotly.newPlot(target, plot.data, plot.layout, {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["lasso2d", "select2d"],
    toImageButtonOptions: { format: "svg", filename: spec.dataset.plot },
  });
}
