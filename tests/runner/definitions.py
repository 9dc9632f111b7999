"""A tiny sweep definition, as a file."""

from pathlib import Path

SWEEP = """
[sweep]
name = "tiny"

[corpus]
source = "files"
settings = {{ path = "{texts}" }}
tokenizer = "bytes"
validation_fraction = 0.2
deduplicate = false

[model]
n_layer = 1
n_head = 1
context = 16

[train]
eval_windows = 16
batch_tokens = 64

[execution]
checkpoint_seconds = 0.05

[sizes]
small = {{ d_model = 4 }}
large = {{ d_model = 8 }}

[design]
type = "isoflop"
levels = [3e7, 6e7]
"""


def write_sweep(folder: Path, more: str = "", **replace: str) -> Path:
    """Write the definition and its texts under `folder`; `replace` swaps words of the definition."""
    texts = folder / "texts"
    texts.mkdir(parents=True, exist_ok=True)
    for i in range(40):
        (texts / f"{i}.txt").write_text("".join(f"{a} plus {i} is {a + i}; " for a in range(i, i + 40)))
    text = SWEEP.format(texts=texts) + more
    for old, new in replace.items():
        text = text.replace(old, new)
    path = folder / "tiny.toml"
    path.write_text(text)
    return path
