/* The command line of autonomy: shows and steers a running autonomyd over its local socket. */
#include "ctl/ctl.h"

int main(int argc, char **argv)
{
	return ctl_run(argc, argv);
}
