vcl 4.1;

import std;

backend default {
	.host = "127.0.0.1";
	.port = "8080";
}

acl program {
	"127.0.0.1";
	"::1";
}

sub vcl_recv {
	if (req.method == "BAN") {
		if (!client.ip ~ program) {
			return (synth(403));
		}
		if (!std.ban(req.http.X-Ban)) {
			return (synth(400, std.ban_error()));
		}
		return (synth(200));
	}
}

# Bans that look at the stored response alone are worked off in the background.
sub vcl_backend_response {
	set beresp.http.X-Host = std.tolower(bereq.http.Host);
}

sub vcl_deliver {
	unset resp.http.X-Host;
	unset resp.http.X-Page;
}
