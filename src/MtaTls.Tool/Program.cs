using System.CommandLine;
using MtaTls.Tool;
using MtaTls.Tool.Output;

var terminal = new Terminal(Console.Out, Console.Error);
using var signals = new Signals(terminal);
RootCommand root = MtaTlsCommand.Create(terminal);
ParseResult parsed = root.Parse(args);
// Signals handles SIGINT and SIGTERM, so System.CommandLine must not end the process after a timeout.
int code = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = true }, signals.Stopping);
return parsed.Errors.Count > 0 ? ExitCode.Usage : code;
