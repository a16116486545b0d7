/* The sizes of every fixed table.  Nothing in the core grows. */
#pragma once

#define LINKS_MAX 16   /* uplinks at a time; a link's number is its slot, 0..LINKS_MAX-1 */
#define PATHS_MAX 32   /* LINKS_MAX x 2 families */
#define CLASSES_MAX 4  /* classes of traffic; 0 is "default" */
#define TARGETS_MAX 8  /* probe targets in one address family */
#define NAME_SIZE 32   /* names of links and classes, with the final NUL */
#define DEVICE_SIZE 16 /* IFNAMSIZ */

#define OUTPUT_ACTIONS_MAX 64
#define OUTPUT_EVENTS_MAX 32
