"""Pictures on one sheet, each with what it was taken for."""

from __future__ import annotations

import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from tracker.record.lettering import fitted, write
from tracker.record.pictures import FAINT, INK, PAPER, thumbnail
from tracker.trained.prediction import Prediction, Predictions

SHOWN = 60  # pictures on a sheet that are still looked at
_SIDE = 128  # pixels of a picture on the sheet
_LINE = 15
_GAP = 10


def sheet(predictions: Predictions) -> bytes:
    """A PNG of the pictures that were kept, at least one, in about as many rows as columns.

    Of each: what the network saw, the likeliest class with its probability, and the file's name.
    """
    pairs = zip(predictions.pictures, predictions.images, strict=False)
    cards = torch.stack([_card(one, image) for one, image in pairs])
    grid = make_grid(cards, nrow=math.ceil(math.sqrt(len(cards))), padding=_GAP, pad_value=255)
    file = io.BytesIO()
    Image.fromarray(grid.movedim(0, 2).numpy()).save(file, "PNG")
    return file.getvalue()


def _card(one: Prediction, image: Tensor) -> Tensor:
    """One picture with two lines below it: uint8 [3, H, W]."""
    card = Image.new("RGB", (_SIDE, _SIDE + 2 * _LINE + 2), PAPER)
    card.paste(thumbnail(image, _SIDE), (0, 0))
    best = one.guesses[0]
    share = f" {best.probability:.0%}"
    name, size = fitted(best.name, _SIDE - 36, (13, 12, 11))
    write(card, (_SIDE // 2, _SIDE + _LINE // 2 + 2), name + share, size, INK, "centre")
    line, size = fitted(one.path.name, _SIDE, (11, 10))
    write(card, (_SIDE // 2, _SIDE + _LINE + _LINE // 2 + 1), line, size, FAINT, "centre")
    return torch.from_numpy(np.array(card)).movedim(2, 0)
