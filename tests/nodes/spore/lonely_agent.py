"""An agent with two slots that tells their pids and then waits to be killed."""

import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from nodes.spore.board import Board, Work
from nodes.spore.identity import Identity
from nodes.spore.slots import start_slot


def stay(identity: Identity, board: Board, index: int) -> None:
    board[index].write(Work(busy=True))
    while True:
        time.sleep(60)


board = Board(2)
me = Identity("spore-1", b"key", "one", 2, "1.0")
slots = [start_slot(stay, me, board, index) for index in range(2)]
while not all(slot.cell.read().busy for slot in slots):
    time.sleep(0.005)
sys.stdout.write(" ".join(str(slot.pid) for slot in slots) + "\n")
sys.stdout.flush()
signal.pause()
