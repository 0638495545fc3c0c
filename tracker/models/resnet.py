"""torchvision's ResNets and their SE twins, with a stem for large pictures or for small ones."""

from __future__ import annotations

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from tracker.models.squeeze import add_gates
from tracker.spec.experiment import Model


def resnet(
    spec: Model,
    num_classes: int,
    *,
    block: type[BasicBlock | Bottleneck],
    layers: tuple[int, int, int, int],
    groups: int = 1,
    width_per_group: int = 64,
) -> ResNet:
    """A ResNet (arXiv 1512.03385), ResNeXt (1611.05431), Wide ResNet (1605.07146) or SE twin.

    Takes [N, 3, H, W] to [N, num_classes], any H and W. `layers` are the blocks of the four
    stages. The parameters are named as torchvision names them, so its weights load; an SE block
    adds `se.fc1` and `se.fc2`.
    """
    model = ResNet(
        block,
        list(layers),
        num_classes=num_classes,
        groups=groups,
        width_per_group=width_per_group,
    )
    if spec.layout == "caffe":
        _caffe_layout(model)
    if spec.stem == "cifar":
        _cifar_stem(model)
    add_gates(model)
    return model


def _caffe_layout(model: ResNet) -> None:
    """Halve where Caffe's ResNets do: in a bottleneck's first convolution, and rounding up in the
    max pool, which has no padding. torchvision's do so in the 3×3 one (its "v1.5").
    """
    model.maxpool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
    for block in model.modules():
        if isinstance(block, Bottleneck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride


def _cifar_stem(model: ResNet) -> None:
    """Keep a 32×32 picture at 32×32 until stage 2, where the ImageNet stem makes it 8×8.

    As is the custom for CIFAR: one 3×3 convolution of stride 1, no max pooling.
    """
    model.conv1 = nn.Conv2d(3, model.conv1.out_channels, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
