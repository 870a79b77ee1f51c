"""How `make app` serves notebook 11: on this computer alone, and with nothing from outside."""

from traitlets.config import get_config

# The page may use what this server gives, and nothing else: the browser itself refuses the rest,
# also the icons that Voila's page would fetch from outside.
FROM_HERE = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'self'"

c = get_config()
c.Voila.ip = "127.0.0.1"
c.Voila.tornado_settings = {
    "websocket_max_message_size": 2**30,  # an upload: without this, no more than 10 MB
    "headers": {"Content-Security-Policy": FROM_HERE},
    # No other site may reach it under a name of its own that leads to this computer.
    "allow_remote_access": False,
    "local_hostnames": ["localhost"],
    # A page that is closed ends its kernel by a POST, for which Voila has no XSRF cookie.
    "disable_check_xsrf": True,
}
# Where a browser crashed and said no goodbye.
c.MappingKernelManager.cull_idle_timeout = 60
c.MappingKernelManager.cull_interval = 20
