"""The laws, one small class each; to add one, write the class and give it a line in `LAWS`."""

from workbench.fitting.laws.base import Law, Parameter
from workbench.fitting.laws.broken import BrokenC, BrokenD, BrokenN
from workbench.fitting.laws.chinchilla import Chinchilla, ChinchillaTied
from workbench.fitting.laws.family import Family, FamilyCorpora
from workbench.fitting.laws.hyperparameters import BestBatch, BestRate
from workbench.fitting.laws.kaplan import KaplanC, KaplanD, KaplanN, KaplanND
from workbench.fitting.laws.kaplan_steps import CriticalBatch, KaplanNS
from workbench.fitting.laws.learning_curve import LearningCurve
from workbench.fitting.laws.mixture import LossToLoss, Mixture
from workbench.fitting.laws.overtraining import DownstreamError, OverTraining
from workbench.fitting.laws.power_law import PowerC, PowerD, PowerN
from workbench.fitting.laws.precision import PostTrainingQuantisation, Precision
from workbench.fitting.laws.repetition import DataConstrained
from workbench.fitting.laws.reward import RewardBestOfN, RewardRL
from workbench.fitting.laws.shared_exponents import SharedExponents, SharedExponentsCorpora
from workbench.fitting.laws.threshold import Threshold
from workbench.fitting.laws.vocabulary import Vocabulary

LAWS: dict[str, Law] = {
    "chinchilla": Chinchilla(),
    "chinchilla-tied": ChinchillaTied(),
    "kaplan-n": KaplanN(),
    "kaplan-d": KaplanD(),
    "kaplan-c": KaplanC(),
    "kaplan-nd": KaplanND(),
    "kaplan-ns": KaplanNS(),
    "critical-batch": CriticalBatch(),
    "power-n": PowerN(),
    "power-d": PowerD(),
    "power-c": PowerC(),
    "data-constrained": DataConstrained(),
    "over-training": OverTraining(),
    "downstream-error": DownstreamError(),
    "learning-curve": LearningCurve(),
    "broken-n": BrokenN(),
    "broken-d": BrokenD(),
    "broken-c": BrokenC(),
    "vocabulary": Vocabulary(),
    "precision": Precision(),
    "post-training-quantisation": PostTrainingQuantisation(),
    "reward-bon": RewardBestOfN(),
    "reward-rl": RewardRL(),
    "best-rate": BestRate(),
    "best-batch": BestBatch(),
    "mixture": Mixture(),
    "loss-to-loss": LossToLoss(),
    "family": Family(),
    "family-corpora": FamilyCorpora(),
    "shared-exponents": SharedExponents(),
    "shared-exponents-corpora": SharedExponentsCorpora(),
    "threshold": Threshold(),
}
"""Name of a law of single points → the law. `isoflop` and `envelope` are procedures, not laws of points."""

__all__ = ["LAWS", "Law", "Parameter"]
