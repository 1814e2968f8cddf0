"""Homework for a class: made from lessons or from a teacher's own workbook, graded by running the formulas."""

from embedsheet.homework.own import homework as homework
