"""Makes the golden numbers beside this file, in float64, from SciPy and PyTorch.

    pip install numpy scipy torch
    python3 tests/golden/make_golden.py

Inputs are rounded to float32 first, so that both sides compute from the same numbers; the TypeScript side computes in
float32 and compares with a tolerance. Versions that made the committed files: see the key "made_by" in each.
"""

import json
import pathlib

import numpy as np
import scipy
import torch
from scipy import special, stats

HERE = pathlib.Path(__file__).parent
MADE_BY = f"numpy {np.__version__}, scipy {scipy.__version__}, torch {torch.__version__}"
torch.set_default_dtype(torch.float64)


def float32(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def short(values):
    """Nested lists of the shortest decimals that give the same float32."""
    if np.ndim(values) == 0:
        return float(str(np.float32(values)))
    return [short(value) for value in values]


def rounded(values, digits=10):
    """Nested lists of results in float64, with more digits than float32 has."""
    if np.ndim(values) == 0:
        return float(f"{float(values):.{digits}g}")
    return [rounded(value, digits) for value in values]


def write(name, content):
    text = json.dumps({"made_by": MADE_BY, **content}, separators=(",", ":"))
    (HERE / name).write_text(text.replace('{"case":', '\n{"case":') + "\n")


# Log-probabilities and the KL divergence -------------------------------------------------------------------------


def log_probabilities():
    rng = np.random.default_rng(1)
    logits = float32(
        [
            [-80, -80, 80, 80, 0, 0],
            [-40, 40, -17, 17, 1e-6, -1e-6],
            [100, -100, 300, -300, 88.8, -88.8],
            *rng.normal(0, 3, (3, 6)),
        ]
    )
    x = float32(
        [
            [0, 1, 0, 1, 0, 1],
            [0, 1, 1, 0, 1, 0.5],
            [1, 0, 1, 0, 0.25, 0.75],
            [0, 1, 0, 1, 1, 0],
            [0, 0.1, 0.9, 1, 0.3, 1 / 255],
            *rng.uniform(0, 1, (1, 6)),
        ]
    )
    bernoulli = torch.distributions.Bernoulli(logits=torch.tensor(logits), validate_args=False)
    bernoulli_log_prob = bernoulli.log_prob(torch.tensor(x)).sum(1).numpy()

    mean = float32(rng.normal(0, 2, (5, 4)))
    observed = float32(mean + rng.normal(0, 1.5, (5, 4)))
    fixed = [
        {
            "variance": variance,
            "expected": rounded(stats.norm.logpdf(observed, mean, np.sqrt(variance)).sum(1)),
        }
        for variance in (1, 0.25, 0.01, 7.5)
    ]
    log_var = float32([-6, -0.5, 0, 3])
    learned = stats.norm.logpdf(observed, mean, np.exp(log_var / 2)).sum(1)

    posterior_mean = float32([[0, 0, 0], [1, -2, 3], [0.1, 5, -8], [1e-4, -1e-4, 0]])
    posterior_log_var = float32([[0, 0, 0], [0.5, -0.5, 1], [-12, 2, -3], [1e-3, -1e-3, -20]])
    normal = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(
        normal(torch.tensor(posterior_mean), torch.tensor(np.exp(posterior_log_var / 2))), normal(0.0, 1.0)
    )
    write(
        "log-probabilities.json",
        {
            "bernoulli": {"logits": short(logits), "x": short(x), "expected": rounded(bernoulli_log_prob)},
            "gaussian": {
                "mean": short(mean),
                "x": short(observed),
                "fixed": fixed,
                "learned": {"logVar": short(log_var), "expected": rounded(learned)},
            },
            "kl": {
                "posteriorMean": short(posterior_mean),
                "posteriorLogVar": short(posterior_log_var),
                "expected": rounded(kl.numpy()),
            },
        },
    )


# Gradients of the negative ELBO ----------------------------------------------------------------------------------

ACTIVATIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "elu": torch.nn.functional.elu,
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "linear": lambda x: x,
}


def layer_shapes(name, sizes):
    return [(f"{name}{i}", sizes[i], sizes[i + 1]) for i in range(len(sizes) - 1)]


def parameter_shapes(data_dim, latent_dim, encoder, decoder, learned):
    """Names and shapes in the order of the project's layout; weights are [inputs, outputs]."""
    encoder_sizes, decoder_sizes = [data_dim, *encoder], [latent_dim, *decoder]
    dense = [
        *layer_shapes("encoder.hidden", encoder_sizes),
        ("encoder.posteriorMean", encoder_sizes[-1], latent_dim),
        ("encoder.posteriorLogVar", encoder_sizes[-1], latent_dim),
        *layer_shapes("decoder.hidden", decoder_sizes),
        ("decoder.likelihoodMean", decoder_sizes[-1], data_dim),
    ]
    shapes = []
    for name, inputs, outputs in dense:
        shapes += [(f"{name}.weight", (inputs, outputs)), (f"{name}.bias", (outputs,))]
    return shapes + ([("decoder.likelihoodLogVar", (data_dim,))] if learned else [])


def gradient_case(rng, case, spec, samples, beta, batch=4, data_dim=6):
    latent_dim = spec["latentDim"]
    likelihood = spec["likelihood"]
    learned = likelihood.get("variance") == "learned"
    encoder, decoder = spec["encoder"], spec["decoder"]
    shapes = parameter_shapes(data_dim, latent_dim, encoder["hidden"], decoder["hidden"], learned)

    values = [float32(rng.normal(0, 0.6, shape)) for _, shape in shapes]
    if likelihood["kind"] == "bernoulli":
        x = float32(np.where(rng.uniform(size=(batch, data_dim)) < 0.5, 1, rng.uniform(size=(batch, data_dim))))
    else:
        x = float32(rng.normal(0, 1, (batch, data_dim)))
    epsilon = float32(rng.normal(0, 1, (samples, batch, latent_dim)))

    parameters = {name: torch.tensor(value, requires_grad=True) for (name, _), value in zip(shapes, values)}

    def dense(name, h):
        return h @ parameters[f"{name}.weight"] + parameters[f"{name}.bias"]

    def hidden(network, layers, h):
        for i in range(len(layers["hidden"])):
            h = ACTIVATIONS[layers["activation"]](dense(f"{network}.hidden{i}", h))
        return h

    observed = torch.tensor(x)
    h = hidden("encoder", encoder, observed)
    posterior = torch.distributions.Normal(
        dense("encoder.posteriorMean", h), torch.exp(dense("encoder.posteriorLogVar", h) / 2)
    )
    z = posterior.mean + posterior.stddev * torch.tensor(epsilon)
    decoded = dense("decoder.likelihoodMean", hidden("decoder", decoder, z))
    if likelihood["kind"] == "bernoulli":
        p_x = torch.distributions.Bernoulli(logits=decoded, validate_args=False)
    elif learned:
        p_x = torch.distributions.Normal(decoded, torch.exp(parameters["decoder.likelihoodLogVar"] / 2))
    else:
        p_x = torch.distributions.Normal(decoded, torch.tensor(float(likelihood["variance"])).sqrt())
    reconstruction = p_x.log_prob(observed.expand(samples, -1, -1)).sum(2).mean(0)
    kl = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    loss = -(reconstruction - beta * kl.sum(1)).sum()
    loss.backward()

    return {
        "case": case,
        "spec": spec,
        "dataDim": data_dim,
        "batchSize": batch,
        "monteCarloSamples": samples,
        "beta": beta,
        "names": [name for name, _ in shapes],
        "parameters": short(np.concatenate([value.ravel() for value in values])),
        "x": short(x.ravel()),
        "epsilon": short(epsilon.ravel()),
        "reconstructionLogProb": rounded(reconstruction.detach().numpy()),
        "klDivergence": rounded(kl.detach().numpy()),
        "loss": rounded(loss.detach().numpy()),
        "gradient": rounded(np.concatenate([parameters[name].grad.numpy().ravel() for name, _ in shapes]), 9),
    }


def gradients():
    rng = np.random.default_rng(2)
    bernoulli, fixed, unit, learned = (
        {"kind": "bernoulli"},
        {"kind": "gaussian", "variance": 0.3},
        {"kind": "gaussian", "variance": 1},
        {"kind": "gaussian", "variance": "learned"},
    )
    wanted = [(activation, bernoulli, 1, 1, [5], [4]) for activation in ACTIVATIONS]
    wanted += [
        ("relu", bernoulli, 3, 1, [5, 4], [4, 5]),
        ("tanh", bernoulli, 3, 0.25, [5], [4]),
        ("relu", unit, 1, 1, [5], [4]),
        ("tanh", fixed, 1, 1, [5], [4]),
        ("softplus", fixed, 3, 4, [5], [4]),
        ("elu", learned, 1, 1, [5], [4]),
        ("sigmoid", learned, 3, 0.5, [5, 4], [4, 5]),
        ("linear", learned, 3, 1, [], []),
        ("linear", bernoulli, 1, 0, [], [4]),
    ]
    cases = []
    for activation, likelihood, samples, beta, encoder, decoder in wanted:
        variance = f" {likelihood['variance']}" if "variance" in likelihood else ""
        layers = "-".join(map(str, encoder)) + " / " + "-".join(map(str, decoder))
        case = f"{likelihood['kind']}{variance}, {activation}, hidden {layers}, M = {samples}, beta = {beta}"
        spec = {
            "latentDim": 3,
            "encoder": {"hidden": encoder, "activation": activation},
            "decoder": {"hidden": decoder, "activation": activation},
            "likelihood": likelihood,
            "initializer": "uniformFanIn",
        }
        cases.append(gradient_case(rng, case, spec, samples, beta))
    write("gradients.json", {"cases": cases})


# Probabilistic PCA -----------------------------------------------------------------------------------------------


def probabilistic_pca():
    """The marginal and the posterior by the textbook's joint Gaussian of (x, z), with no use of its structure."""
    rng = np.random.default_rng(3)
    cases = []
    for data_dim, latent_dim, variance in ((5, 2, 0.3), (3, 3, 1.5), (7, 1, 0.01)):
        weight, bias = rng.normal(0, 1, (latent_dim, data_dim)), rng.normal(0, 1, data_dim)
        x = bias + rng.normal(0, 1.2, (4, data_dim))
        covariance = weight.T @ weight + variance * np.eye(data_dim)
        gain = weight @ np.linalg.inv(covariance)
        cases.append(
            {
                "case": f"dataDim {data_dim}, latentDim {latent_dim}, variance {variance}",
                "latentDim": latent_dim,
                "dataDim": data_dim,
                "variance": variance,
                "weight": weight.ravel().tolist(),
                "bias": bias.tolist(),
                "x": x.ravel().tolist(),
                "logProb": stats.multivariate_normal.logpdf(x, bias, covariance).tolist(),
                "posteriorMean": ((x - bias) @ gain.T).ravel().tolist(),
                "posteriorCovariance": (np.eye(latent_dim) - gain @ weight.T).ravel().tolist(),
            }
        )
    write("probabilistic-pca.json", {"cases": cases})


# Variational inference of Gaussians ------------------------------------------------------------------------------


def normal_wishart_evidence(x, mean, mean_precision, degrees, inverse_scale):
    """ln p(x_1, ..., x_N) as the product of the predictive distributions of each x_n given those before it, each a
    Student t (Bishop, Pattern Recognition and Machine Learning, (10.81) with one component)."""
    dim, log_prob = x.shape[1], 0.0
    for row in x:
        freedom = degrees + 1 - dim
        shape = inverse_scale * (1 + mean_precision) / (freedom * mean_precision)
        log_prob += stats.multivariate_t.logpdf(row, mean, shape, freedom)
        difference = row - mean
        inverse_scale = inverse_scale + np.outer(difference, difference) * mean_precision / (mean_precision + 1)
        mean = (mean_precision * mean + row) / (mean_precision + 1)
        mean_precision, degrees = mean_precision + 1, degrees + 1
    return float(log_prob)


def variational():
    rng = np.random.default_rng(4)
    points = [1e-3, 0.1, 0.5, 1, 1.4616321449683622, 2, 3.7, 9.99, 10, 25.5, 1e3, 1e6]
    x = rng.normal(1.5, 0.7, 12)
    y = rng.multivariate_normal([1, -1], [[1.0, 0.6], [0.6, 2.0]], 15)
    # Gamma(shape, rate) of a precision is a Wishart in one dimension: degrees 2 shape, inverse scale 2 rate.
    x_evidence = normal_wishart_evidence(x[:, None], np.array([0.3]), 0.5, 2 * 1.2, np.array([[2 * 0.8]]))
    y_evidence = normal_wishart_evidence(y, np.array([0.2, 0.1]), 0.3, 3.5, np.array([[2, 0.3], [0.3, 1.5]]))
    write(
        "variational.json",
        {
            "specialFunctions": {
                "x": points,
                "logGamma": special.gammaln(points).tolist(),
                "digamma": special.digamma(points).tolist(),
            },
            "meanPrecision": {
                "prior": {"mean": 0.3, "meanPrecision": 0.5, "shape": 1.2, "rate": 0.8},
                "x": x.tolist(),
                "logEvidence": x_evidence,
            },
            "oneComponent": {
                "prior": {
                    "concentration": 1,
                    "mean": [0.2, 0.1],
                    "meanPrecision": 0.3,
                    "degreesOfFreedom": 3.5,
                    "inverseScale": [2, 0.3, 0.3, 1.5],
                },
                "x": y.ravel().tolist(),
                "logEvidence": y_evidence,
            },
        },
    )


if __name__ == "__main__":
    log_probabilities()
    gradients()
    probabilistic_pca()
    variational()
