// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_DISPATCH_MESSAGES_H
#define TESTS_DISPATCH_MESSAGES_H

// Messages for the lab; '\n' stands for CRLF.

#define TOP_VIA "Via: SIP/2.0/UDP 192.168.1.2:5062;branch=z9hG4bK776asdhds;rport\n"
#define STAMPED_VIA         \
	"Via: SIP/2.0/UDP " \
	"192.168.1.2:5062;branch=z9hG4bK776asdhds;rport=5062;received=198.51.100.10\n"

#define OUR_VIA "Via: SIP/2.0/UDP 203.0.113.5:5060;branch=z9hG4bK*\n"
#define OUR_RECORD_ROUTE "Record-Route: <sip:*@203.0.113.5:5060;lr>\n"

#define IDENTITY(method)                                       \
	"To: Bob <sip:bob@example.com>\n"                      \
	"From: Alice <sip:alice@example.com>;tag=1928301774\n" \
	"Call-ID: a84b4c76e66710@pc33\n"                       \
	"CSeq: 314159 " method "\n"

#define IN_DIALOG(method)                                      \
	"To: Bob <sip:bob@example.com>;tag=a6c85cf\n"          \
	"From: Alice <sip:alice@example.com>;tag=1928301774\n" \
	"Call-ID: a84b4c76e66710@pc33\n"                       \
	"CSeq: 314160 " method "\n"

#define START(method) method " sip:bob@example.com SIP/2.0\n"

// A request outside a dialog, with more header fields.
#define REQUEST_WITH(method, more) \
	START(method) TOP_VIA "Max-Forwards: 70\n" IDENTITY(method) more "Content-Length: 0\n\n"
#define REQUEST(method) REQUEST_WITH(method, "")

#endif
