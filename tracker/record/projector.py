"""The Projector page: what the network sees in some pictures, as points, with the pictures on them.

TensorBoard reads these files from the run directory itself, not from the events.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence

import torch
from PIL import Image
from tensorboard.plugins.projector.metadata import PROJECTOR_FILENAME
from tensorboard.plugins.projector.projector_config_pb2 import EmbeddingInfo, ProjectorConfig
from torch import Tensor

from tracker.record.pictures import thumbnail

COMPONENTS = 64  # kept of the features: all that the page's own methods make use of
SIDE = 32  # pixels of a thumbnail

FEATURES = "projector_features.tsv"
TABLE = "projector_pictures.tsv"
SPRITE = "projector_sprite.png"


def files(
    features: Tensor, images: Tensor, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> dict[str, bytes]:
    """Return the files of the page by their names in the run directory, the one that leads last.

    `features` floating [N, D], N > 0; `images` uint8 [N, 3, H, W]; `rows`, one for each picture,
    are what is said of it under `columns`. Of more than 64 features the first 64 principal
    components are kept.
    """
    kept = components(features)
    config = ProjectorConfig(
        embeddings=[
            EmbeddingInfo(
                tensor_name="validation pictures",
                tensor_shape=list(kept.shape),
                tensor_path=FEATURES,
                metadata_path=TABLE,
                sprite={"image_path": SPRITE, "single_image_dim": [SIDE, SIDE]},
            )
        ]
    )
    lines = ("\t".join(f"{number:.5g}" for number in row) for row in kept.tolist())
    table = ["\t".join(map(_cell, row)) for row in (columns, *rows)]
    return {
        FEATURES: "".join(f"{line}\n" for line in lines).encode(),
        TABLE: "".join(f"{line}\n" for line in table).encode(errors="replace"),
        SPRITE: _sprite(images),
        PROJECTOR_FILENAME: str(config).encode(),
    }


def components(features: Tensor) -> Tensor:
    """Return `features` [N, D] about their mean, in float32, along at most 64 principal axes.

    With D up to 64 they are only moved. The axes' signs are chosen so that the largest part of
    each is positive, or they would be chance.
    """
    centred = (features - features.mean(0)).double().cpu()
    if centred.shape[1] > COMPONENTS:
        # Of few pictures with many features: a fifth of the time that a decomposition of the
        # features takes, which is seconds where other work wants the cores.
        squares, points = torch.linalg.eigh(centred @ centred.T)  # rising
        centred = (points * squares.clamp(min=0).sqrt()).flip(1)[:, :COMPONENTS]
        largest = centred.gather(0, centred.abs().argmax(0, keepdim=True))
        centred = torch.where(largest < 0, -centred, centred)
    return centred.float()


def _sprite(images: Tensor) -> bytes:
    """Return thumbnails in rows as the page looks for them: a square, filled from its top left."""
    side = math.ceil(math.sqrt(len(images)))
    sheet = Image.new("RGB", (side * SIDE, side * SIDE), (255, 255, 255))
    for index, image in enumerate(images):
        sheet.paste(thumbnail(image, SIDE), (index % side * SIDE, index // side * SIDE))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _cell(text: str) -> str:
    return " ".join(text.split()) or "–"
