using System.CommandLine;
using MtaTls.Tool.Commands;
using MtaTls.Tool.Output;

namespace MtaTls.Tool;

/// <summary>The command <c>mtatls</c> with all that it can do.</summary>
internal static class MtaTlsCommand
{
    private const string Description = """
        Carries many connections in one TLS session (MTA-TLS).

        Examples:
          mtatls probe gw.example:8443                                  does the server speak MTA-TLS?
          mtatls forward gw.example:8443 -L 5432:db.internal:5432       a local port
          mtatls forward gw.example:8443 -D 1080                        a SOCKS5 and HTTP proxy
          mtatls http 5000 --name app1 --gateway gw.example:8443        a local web server for the gateway's visitors
          ssh -o ProxyCommand='mtatls connect gw.example:8443 %h:%p' me@host.internal

        Options have defaults in the environment: --cacert is MTATLS_CACERT.
        """;

    public static RootCommand Create(Terminal terminal)
    {
        var logging = new LoggingOptions();
        var root = new RootCommand(Description)
        {
            ProbeCommand.Create(terminal, logging),
            ConnectCommand.Create(terminal, logging),
            ForwardCommand.Create(terminal, logging),
            PublishCommand.CreateHttp(terminal, logging),
            PublishCommand.CreateTcp(terminal, logging),
#if !NATIVE
            ServeCommand.Create(terminal, logging),
            TunnelCommand.Create(terminal, logging),
#endif
            AgentsCommand.Create(terminal),
            BenchCommand.Create(terminal, logging),
            CertCommand.Create(terminal),
            ServiceCommand.Create(terminal),
            CompletionCommand.Create(terminal),
        };
        logging.AddTo(root);
        return root;
    }
}
