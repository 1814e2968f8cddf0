"""Buttons in a workbook: form buttons that call Python through xlwings, and the VBA project behind them."""

from embedsheet.buttons.layout import BUTTONS, CONFIG_SHEET, MEMORY_SHEET, Button, add_buttons

__all__ = ["BUTTONS", "CONFIG_SHEET", "MEMORY_SHEET", "Button", "add_buttons"]
