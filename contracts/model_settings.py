"""Defines the settings of the model that answers for the agents: provider, keys, addresses, limits and budgets."""

from typing import Literal, get_args

from pydantic import BaseModel, Field, SecretStr

ModelProviderName = Literal["openai", "anthropic", "google", "ollama", "openai-compatible"]
"""The providers that call a model service."""

ProviderName = Literal["offline", ModelProviderName, "scripted"]

MODEL_PROVIDERS: tuple[str, ...] = get_args(ModelProviderName)

OutagePolicy = Literal["wait", "fail"]


class ModelSettings(BaseModel):
    """The part of the settings that selects and limits the model. `Settings` inherits it."""

    ai_provider: ProviderName = "offline"
    ai_model: str = ""
    ai_model_classification: str = ""
    ai_model_analysis: str = ""
    ai_model_value_impact: str = ""
    ai_model_action_plan: str = ""
    ai_model_priority: str = ""
    ai_fallback: str = ""

    openai_api_key: SecretStr | None = None
    openai_base_url: str = ""
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str = ""
    google_api_key: SecretStr | None = None
    gemini_api_key: SecretStr | None = None
    google_base_url: str = ""
    ollama_base_url: str = "http://localhost:11434"

    ai_max_concurrency: int = Field(default=8, ge=1, le=1000)
    ai_requests_per_minute: int | None = Field(default=None, ge=1)
    ai_tokens_per_minute: int | None = Field(default=None, ge=1)
    ai_usd_per_day: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    ai_usd_per_day_per_user: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    ai_outage: OutagePolicy = "wait"
    agent_timeout_seconds: float = Field(default=60.0, gt=0, le=480)

    allow_scripted: bool = False
    scripted_delay_ms: int = Field(default=0, ge=0)
    scripted_call_log: str = ""

    @property
    def calls_a_model(self) -> bool:
        """Whether the agents' answers come from a model service."""
        return self.ai_provider in MODEL_PROVIDERS

    def model_for(self, agent_name: str) -> str:
        """Return the model of an agent: AI_MODEL_<AGENT>, or AI_MODEL when that is not set."""
        return getattr(self, f"ai_model_{agent_name}", "") or self.ai_model
