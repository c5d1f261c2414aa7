// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port.h"

#include "dataplane/log.h"

#include <rte_dev.h>
#include <rte_random.h>

#include <errno.h>
#include <stdio.h>

LOG_TOPIC("port");

#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
#define RSS_KEY_MAX 64

static int failed(char *text, size_t len, const char *port, const char *what, int error)
{
	snprintf(text, len, "port %s: %s: %s", port, what, rte_strerror(-error));
	return error;
}

// A random key each start: nobody outside can aim at one worker.
static void configure_rss(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info,
	uint8_t key[RSS_KEY_MAX], const char *name)
{
	const uint64_t wanted = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;

	if ((info->flow_type_rss_offloads & wanted) == 0) {
		LOG(WARNING,
			"%s cannot spread by addresses itself: what queue a packet comes in on is "
			"up to the device",
			name);
		return;
	}
	for (unsigned int i = 0; i < RSS_KEY_MAX; i++)
		key[i] = (uint8_t)rte_rand();
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = wanted & info->flow_type_rss_offloads;
	if (info->hash_key_size > 0 && info->hash_key_size <= RSS_KEY_MAX) {
		conf->rx_adv_conf.rss_conf.rss_key = key;
		conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
	}
}

static int start_queues(
	uint16_t id, uint16_t nb_queues, struct rte_mempool *pool, const struct rte_eth_conf *conf)
{
	uint16_t nb_rx = RX_DESCRIPTORS, nb_tx = TX_DESCRIPTORS;
	int socket = rte_eth_dev_socket_id(id);
	int ret = rte_eth_dev_configure(id, nb_queues, nb_queues, conf);

	if (ret == 0)
		ret = rte_eth_dev_adjust_nb_rx_tx_desc(id, &nb_rx, &nb_tx);
	for (uint16_t q = 0; ret == 0 && q < nb_queues; q++) {
		ret = rte_eth_rx_queue_setup(id, q, nb_rx, (unsigned int)socket, NULL, pool);
		if (ret == 0)
			ret = rte_eth_tx_queue_setup(id, q, nb_tx, (unsigned int)socket, NULL);
	}
	return ret;
}

static int set_mtu(uint16_t id, uint16_t mtu)
{
	int ret = rte_eth_dev_set_mtu(id, mtu);

	// A virtual device without an MTU of its own takes what it is given.
	return ret == -ENOTSUP ? 0 : ret;
}

static int open_device(struct port *port, const struct port_config *config, char *text, size_t len)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info;
	uint8_t rss_key[RSS_KEY_MAX];
	uint64_t tx_wanted = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	int ret;

	ret = rte_eth_dev_info_get(port->id, &info);
	if (ret != 0)
		return failed(text, len, port->name, "device info", ret);
	if (config->nb_queues > info.max_rx_queues || config->nb_queues > info.max_tx_queues) {
		snprintf(text, len, "port %s: %u workers need as many queues, the device has %u",
			port->name, config->nb_queues,
			RTE_MIN(info.max_rx_queues, info.max_tx_queues));
		return -ENOSPC;
	}
	if (config->nb_queues > 1)
		configure_rss(&conf, &info, rss_key, port->name);
	conf.rxmode.offloads = info.rx_offload_capa &
		(RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
	conf.txmode.offloads = info.tx_offload_capa & tx_wanted;
	port->tx_ip_cksum = conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	port->tx_udp_cksum = conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

	ret = start_queues(port->id, config->nb_queues, config->pool, &conf);
	if (ret != 0)
		return failed(text, len, port->name, "queues", ret);
	ret = set_mtu(port->id, port->mtu);
	if (ret != 0)
		LOG(WARNING, "%s: MTU %u: %s", port->name, port->mtu, rte_strerror(-ret));
	ret = rte_eth_dev_start(port->id);
	if (ret != 0)
		return failed(text, len, port->name, "start", ret);
	// ND and routing protocols of the twin need multicast.
	if (rte_eth_allmulticast_enable(port->id) != 0 && rte_eth_promiscuous_enable(port->id) != 0)
		LOG(INFO, "%s: the device has no filter to open for multicast", port->name);
	return 0;
}

static int open_twin(struct port *port, const struct port_config *config, char *text, size_t len)
{
	char device[32], args[96];
	const struct rte_eth_conf conf = {0};
	int ret;

	snprintf(device, sizeof(device), "net_tap_twin%u", config->index);
	snprintf(args, sizeof(args), "iface=%s,mac=" RTE_ETHER_ADDR_PRT_FMT, config->port->twin,
		RTE_ETHER_ADDR_BYTES(&port->mac));
	ret = rte_eal_hotplug_add("vdev", device, args);
	if (ret == 0)
		ret = rte_eth_dev_get_port_by_name(device, &port->twin_id);
	if (ret != 0) {
		port->twin_id = PORT_NO_TWIN;
		return failed(text, len, port->name, "kernel twin", ret);
	}
	ret = start_queues(port->twin_id, 1, config->pool, &conf);
	if (ret == 0)
		ret = set_mtu(port->twin_id, port->mtu);
	if (ret == 0)
		ret = rte_eth_dev_start(port->twin_id);
	if (ret != 0)
		return failed(text, len, port->name, "kernel twin", ret);
	snprintf(port->twin, sizeof(port->twin), "%s", config->port->twin);
	return 0;
}

int port_open(struct port *port, const struct port_config *config, char *text, size_t len)
{
	struct rte_eth_link link;
	int ret;

	*port = (struct port){
		.id = RTE_MAX_ETHPORTS,
		.twin_id = PORT_NO_TWIN,
		.mtu = (uint16_t)config->port->mtu,
	};
	snprintf(port->name, sizeof(port->name), "%s", config->port->name);
	ret = rte_eth_dev_get_port_by_name(config->device, &port->id);
	if (ret != 0) {
		port->id = RTE_MAX_ETHPORTS;
		return failed(text, len, port->name, config->port->device, ret);
	}
	ret = open_device(port, config, text, len);
	if (ret == 0)
		ret = rte_eth_macaddr_get(port->id, &port->mac);
	if (ret == 0 && config->port->twin[0] != '\0')
		ret = open_twin(port, config, text, len);
	if (ret != 0) {
		port_close(port);
		return ret;
	}
	port->link_up = rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status;
	LOG(INFO, "%s is %s, " RTE_ETHER_ADDR_PRT_FMT ", MTU %u%s%s", port->name, config->device,
		RTE_ETHER_ADDR_BYTES(&port->mac), port->mtu, port->twin[0] ? ", twin " : "",
		port->twin);
	return 0;
}

void port_close(struct port *port)
{
	if (port->twin_id != PORT_NO_TWIN) {
		rte_eth_dev_stop(port->twin_id);
		rte_eth_dev_close(port->twin_id);
	}
	if (port->id != RTE_MAX_ETHPORTS) {
		rte_eth_dev_stop(port->id);
		rte_eth_dev_close(port->id);
	}
	port->id = RTE_MAX_ETHPORTS;
	port->twin_id = PORT_NO_TWIN;
}
