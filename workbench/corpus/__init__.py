"""Text in, token shards out: sources, cleaning, tokenizers, languages of known entropy."""
