#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Writes orders.csv: 1,000 made-up orders of a made-up office supplier. The same seed gives the same file, byte for
# byte: `./make-orders.py > orders.csv`. Some fields hold commas, quotes and line breaks on purpose, and some orders make
# no sense.
import csv
import random
import sys
from datetime import datetime, timedelta, timezone

ORDERS = 1000
SEED = 20240304

GIVEN = ["Anna", "Jörg", "Maëlle", "Tomás", "Ingrid", "Luca", "Zofia", "Pieter", "Aoife", "Søren", "Marta", "Henri",
         "Katalin", "Nils", "Beatriz", "Owen", "Eliška", "Matteo", "Saskia", "Emil"]
FAMILY = ["Brandt", "Müller", "Lefèvre", "Nuñez", "Dahl", "Rossi", "Kowalska", "de Vries", "O'Brien", "Nørgaard",
          "Santos", "Moreau", "Szabó", "Lindqvist", "Ferreira", "Price", "Dvořáková", "Conti", "Vermeulen", "Schmidt"]
COMPANIES = ["Brandt, Olsen & Co. KG", "Café \"Zum Anker\"", "Atelier Lumière SARL", "Nordwind Logistik GmbH",
             "Price, Owen and Daughters Ltd", "Studio \"4 x 4\"", "Hoorn Fietsen B.V.", "Panadería El Sol, S.L."]
# sku, product, unit price in cents of EUR
GOODS = [("PAP-A4-080-500", "Copy paper A4, 80 g, 500 sheets", 549), ("PEN-GEL-05-BLU", "Gel pen 0.5 mm, blue", 189),
         ("MON-27-IPS-QHD", "Monitor 27\" IPS, QHD", 28900), ("DSK-SIT-160-OAK", "Sit-stand desk 160 x 80, oak", 54900),
         ("CHR-ERG-BLK", "Office chair, ergonomic, black", 31900), ("LMP-LED-DSK", "Desk lamp \"Arc\", LED", 6450),
         ("NTB-DOT-A5", "Notebook A5, dotted", 1290), ("CBL-USBC-2M", "Cable USB-C to USB-C, 2 m", 1499),
         ("KEY-MEC-ISO-DE", "Keyboard, mechanical, ISO-DE", 10990), ("STP-26-6-5000", "Staples 26/6, box of 5000", 320),
         ("TON-HP-59A", "Toner 59A, black", 9740), ("BND-LVR-80-RED", "Lever arch file 80 mm, red", 279)]
# country, currency, units of it for one EUR, weight
MARKETS = [("DE", "EUR", 1.0, 30), ("FR", "EUR", 1.0, 16), ("NL", "EUR", 1.0, 12), ("ES", "EUR", 1.0, 10),
           ("GB", "GBP", 0.86, 10), ("PL", "PLN", 4.31, 8), ("DK", "DKK", 7.46, 6), ("SE", "SEK", 11.22, 5),
           ("CZ", "CZK", 25.3, 3)]
NOTES = ["", "", "", "", "", "", "Please ring twice", "Leave with the neighbour, flat 3",
         "Gift: write \"Happy birthday, Oma!\" on the card", "Deliver to gate 2\nAsk for Mr. Lindqvist",
         "Invoice to head office, not to the shop"]
# By number: the column and what stands there. Nobody can work on these.
POISONED = {137: (5, 0), 291: (7, "euro"), 402: (5, -3), 555: (8, "Germany"), 678: (6, 0), 803: (3, ""), 966: (5, 1000000)}


def order(number, placed_at, rng):
    country, currency, rate, _ = rng.choices(MARKETS, [market[3] for market in MARKETS])[0]
    sku, product, cents = rng.choice(GOODS)
    person = f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"
    customer = rng.choice(COMPANIES) if rng.random() < 0.3 else person
    quantity = rng.choice([1, 1, 1, 2, 2, 3, 4, 5, 10, 12, 25])
    row = [f"SO-2024-{number:06d}", placed_at.strftime("%Y-%m-%dT%H:%M:%SZ"), customer, sku, product, quantity,
           round(cents * rate), currency, country, rng.choice(NOTES)]
    if number in POISONED:
        column, nonsense = POISONED[number]
        row[column] = nonsense
    return row


def main():
    rng = random.Random(SEED)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["order_id", "placed_at", "customer", "sku", "product", "quantity", "unit_price_cents", "currency",
                  "country", "note"])
    placed_at = datetime(2024, 3, 4, 7, 30, tzinfo=timezone.utc)
    for number in range(1, ORDERS + 1):
        placed_at += timedelta(seconds=rng.randint(2, 95))
        out.writerow(order(number, placed_at, rng))


if __name__ == "__main__":
    main()
