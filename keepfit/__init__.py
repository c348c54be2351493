"""Keepfit: a declarative, versioned data-and-model pipeline that keeps a deployed model fit."""
