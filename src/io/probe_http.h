/*
 * The check for captive portals: PROBE_HTTP.  GET of the configured page, which must answer 204;
 * the round trip is that of request and response, without the connection's.
 */
#pragma once

extern const struct probe_method_ops probe_http;
