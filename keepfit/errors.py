"""Named errors: each says what is wrong, where, with which value, and what is allowed."""


class KeepfitError(Exception):
    """A mistake in the input or the configuration: shown as one line, without a trace."""


class SettingsError(KeepfitError):
    """A parameter is missing, unknown or out of its range."""


class SourceError(KeepfitError):
    """A source could not be read to its end; what was ingested before is kept."""


class SourceWentBackwards(KeepfitError):
    """The source ends earlier than it did at the last ingest, under the same cut-off."""


class EmptyTable(KeepfitError):
    """A table without a row reached a step that needs rows."""


class MissingColumn(KeepfitError):
    """A column that the dataset declares is not in the table."""


class RepairError(KeepfitError):
    """Mended rows that break the rules for rows which kept them."""


class QuotaExceeded(KeepfitError):
    """More rows broke the rules than `validate.quota` allows."""


class StaleData(KeepfitError):
    """The newest row is older than `dataset.freshness` allows."""


class FeatureError(KeepfitError):
    """A feature is declared wrongly, or asks for a column that is not there."""


class LookAhead(KeepfitError):
    """A feature, or a label past its horizon, changes when later rows change."""


class LookBack(KeepfitError):
    """A feature reads further back than it declares."""


class UnusableLabel(KeepfitError):
    """The labels cannot be learned from: none, one class only, or not 0 and 1."""


class UnusableTable(KeepfitError):
    """A table has nothing that a model could learn, or no time that orders it."""


class TooFewRows(KeepfitError):
    """A split would leave too few rows to learn from or to judge by."""


class UnorderedRows(KeepfitError):
    """Rows whose features look back were given out of time order."""


class EstimatorError(KeepfitError):
    """`model.estimator` cannot be imported, or refuses its parameters."""


class UntrustedType(KeepfitError):
    """A model file holds a type that is not in the allow-list of keepfit/modelfile.py."""


class BundleError(KeepfitError):
    """A bundle is missing, incomplete or not what its passport says."""


class ChampionMissing(KeepfitError):
    """The recorded champion is not in the workspace, so nothing may replace it."""


class PackageError(KeepfitError):
    """BentoML could not build the package."""


class DetectorError(KeepfitError):
    """A drift test is not installed, or gave no number."""


class BatchError(KeepfitError):
    """Rows cannot be compared with the champion's reference: other columns, another dataset, rows it learned from."""


class DrillError(KeepfitError):
    """A fault that does not exist, or a table that has nothing to put it in."""


class TrailError(KeepfitError):
    """A line of the audit log was changed, removed or reordered, or is not one."""


class RepositoryError(KeepfitError):
    """Git refused a command, or the folder is not a repository."""


class RemoteError(KeepfitError):
    """The DVC remote is missing, refuses, or holds other bytes than their hash says."""


class LostRace(KeepfitError):
    """Somebody else pushed what this run would have changed; nothing was published."""


class ForgeError(KeepfitError):
    """GitHub's API could not be reached, or refused a request."""


class PinnedError(KeepfitError):
    """The champion is pinned, so that nothing may replace it."""


class ReproductionError(KeepfitError):
    """A stage of `dvc repro` failed; its own last words are in the message."""


class ReleaseError(KeepfitError):
    """A release is not of the commit that its tag names, or a step of it came before what it needs."""


class ContainerError(KeepfitError):
    """No container engine is there, or it could not build or push the image."""


class SignatureError(KeepfitError):
    """A release is not signed, not by who may sign, or was changed after it was signed."""


class SmokeError(KeepfitError):
    """A service does not answer, serves another version, or gives other scores than were recorded."""


class DeploymentError(KeepfitError):
    """The command that deploys failed."""


class RolloverError(KeepfitError):
    """A new champion was not taken up: broken, half-written, untrusted or of other code; the old one serves on."""


class KeysError(KeepfitError):
    """A file of API keys that cannot be read, or a key that is not in it."""


class ServeError(KeepfitError):
    """There is nothing to serve, or the server did not start."""


class LogError(KeepfitError):
    """The prediction log cannot be opened, or asks for what is not there: a key, a column, an answer."""


class ScoringError(KeepfitError):
    """A file cannot be scored: what was begun there is another job, or the rows cannot be told apart."""


class EngineError(KeepfitError):
    """There is no cluster to compute on, or one that would not compute as this process does."""
