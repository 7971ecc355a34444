"""What is approved: releases, policies and waivers, in files and in the table, and the gate that asks for them."""
