"""The peer: the same VAE in plain PyTorch, written the way its users write it."""

import torch
import torch.nn.functional as F
from torch import nn


class VAE(nn.Module):
    def __init__(self, data_dim=784, hidden=400, latent=20):
        super().__init__()
        self.encoder = nn.Linear(data_dim, hidden)
        self.mean = nn.Linear(hidden, latent)
        self.log_var = nn.Linear(hidden, latent)
        self.decoder = nn.Linear(latent, hidden)
        self.logits = nn.Linear(hidden, data_dim)

    def forward(self, x):
        h = F.relu(self.encoder(x))
        mean, log_var = self.mean(h), self.log_var(h)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return self.logits(F.relu(self.decoder(z))), mean, log_var


def terms(model, x):
    """Sums over the batch: reconstruction log-probability and KL divergence, nats."""
    logits, mean, log_var = model(x)
    reconstruction = -F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = 0.5 * torch.sum(log_var.exp() + mean.square() - 1 - log_var)
    return reconstruction, kl


def read_images(path):
    """An IDX file of images as float32 in [0, 1]."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    count = int.from_bytes(data[4:8], "big")
    images = torch.frombuffer(data, dtype=torch.uint8, offset=16).reshape(count, -1)
    return images.float() / 255
