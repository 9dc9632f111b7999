// Each figure is drawn from the specification that stands beside it, and anew when the page turns dark or light.
const darkColors = JSON.parse(document.getElementById("dark-colors").textContent);
const night = window.matchMedia("(prefers-color-scheme: dark)");

function tinted(value) {
  if (typeof value === "string") return darkColors[value] ?? value;
  if (Array.isArray(value)) return value.length > 2 && typeof value[0] === "number" ? value : value.map(tinted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, tinted(item)]));
}

function draw() {
  for (const spec of document.querySelectorAll("script.spec")) {
    const source = JSON.parse(spec.textContent);
    const plot = night.matches ? tinted(source) : source;
    if (night.matches) Object.assign(plot.layout, { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" });
    Plotly.react(document.getElementById(spec.dataset.plot), plot.data, plot.layout, {
      responsive: true,
      displaylogo: false,
      modeBarButtonsToRemove: ["lasso2d", "select2d"],
      toImageButtonOptions: { format: "svg", filename: spec.dataset.plot },
    });
  }
}

night.addEventListener("change", draw);
draw();
