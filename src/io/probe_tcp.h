/*
 * Does the target shake hands?  PROBE_TCP: connect, then reset.  A refusal proves the path as well.
 */
#pragma once

extern const struct probe_method_ops probe_tcp;
