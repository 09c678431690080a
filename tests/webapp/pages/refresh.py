"""How a page without JavaScript refreshes itself."""

FAST_REFRESH = '<noscript><meta http-equiv="refresh" content="3"></noscript>'
SLOW_REFRESH = '<noscript><meta http-equiv="refresh" content="60"></noscript>'
