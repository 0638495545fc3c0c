"""The answer as a page to hand on: one file that needs no server, no network and no tracker."""
