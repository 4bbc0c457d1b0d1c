"""`trunkline` as tests run it: a call that blocks the event loop inside our packages raises, as in async tests.

`python -m tests.harness.strict node` is `python -m trunkline node` under blockbuster.
"""

from __future__ import annotations

from blockbuster import BlockBuster

from trunkline.main import main

if __name__ == "__main__":
    BlockBuster(["backbone", "node", "adapters"]).activate()
    main()
