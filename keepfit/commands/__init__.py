"""Commands: what a person types after `keepfit`, a file a part of the loop; `keepfit/cli.py` puts them together."""
