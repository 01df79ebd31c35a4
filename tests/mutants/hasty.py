"""A plugin of pytest for runs that expect a failure: the first example that fails is enough."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "hasty",
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
