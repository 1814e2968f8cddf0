Attribute VB_Name = "embedsheet"
' The buttons of a workbook made by embedsheet (MIT licence).
'
' One Sub a button: on macOS, Python cannot learn which button was pressed. RunPython is in the module xlwings; it
' starts the interpreter named on the sheet xlwings.conf. The command must hold neither a double quote nor a bar:
' the macOS side splits on bars.

Option Explicit

Public Sub EmbedsheetStep()
    RunPython "import embedsheet.excel; embedsheet.excel.step()"
End Sub

Public Sub EmbedsheetSolve()
    RunPython "import embedsheet.excel; embedsheet.excel.solve()"
End Sub

Public Sub EmbedsheetTrain()
    RunPython "import embedsheet.excel; embedsheet.excel.train()"
End Sub

Public Sub EmbedsheetCompare()
    RunPython "import embedsheet.excel; embedsheet.excel.compare()"
End Sub

Public Sub EmbedsheetGradient()
    RunPython "import embedsheet.excel; embedsheet.excel.gradient()"
End Sub

Public Sub EmbedsheetCheck()
    RunPython "import embedsheet.excel; embedsheet.excel.check()"
End Sub

Public Sub EmbedsheetRandomize()
    RunPython "import embedsheet.excel; embedsheet.excel.randomize()"
End Sub

Public Sub EmbedsheetUndo()
    RunPython "import embedsheet.excel; embedsheet.excel.undo()"
End Sub

Public Sub EmbedsheetReset()
    RunPython "import embedsheet.excel; embedsheet.excel.reset()"
End Sub
