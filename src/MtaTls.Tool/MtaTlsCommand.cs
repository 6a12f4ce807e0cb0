using System.CommandLine;
using MtaTls.Tool.Commands;
using MtaTls.Tool.Output;

namespace MtaTls.Tool;

/// <summary>The root command <c>mtatls</c> with all its commands.</summary>
internal static class MtaTlsCommand
{
    private const string Description = """
        Carries many connections in one TLS session (MTA-TLS).

        Examples:
          mtatls probe gw.example:8443                                  checks whether a server speaks MTA-TLS
          mtatls forward gw.example:8443 -L 5432:db.internal:5432       a local port
          mtatls forward gw.example:8443 -D 1080                        a SOCKS5 and HTTP proxy
          mtatls http 5000 --name app1 --gateway gw.example:8443        publishes a local web server at the gateway
          ssh -o ProxyCommand='mtatls connect gw.example:8443 %h:%p' me@host.internal

        Environment variables set defaults of the options for connecting: MTATLS_CACERT for --cacert.
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
