/* Which variant of the ruleset this system can have. */
#include "io/firewall.h"

const struct firewall_ops *firewall_choose(const struct config *config)
{
	switch (config->firewall) {
	case CONFIG_FIREWALL_NONE:
		return NULL;
	case CONFIG_FIREWALL_NFT:
		return &firewall_nft;
	case CONFIG_FIREWALL_IPTABLES:
		return &firewall_ipt;
	case CONFIG_FIREWALL_AUTO:
		break;
	}
	if (firewall_nft.available())
		return &firewall_nft;
	if (firewall_ipt.available())
		return &firewall_ipt;
	return NULL;
}
