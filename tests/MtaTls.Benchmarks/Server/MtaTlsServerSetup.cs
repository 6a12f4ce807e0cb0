using Microsoft.AspNetCore.Hosting;

namespace MtaTls.Benchmarks.Server;

internal static class MtaTlsServerSetup
{
    /// <summary>Adds MTA-TLS with default options to the HTTPS endpoint, for the contenders that use it.</summary>
    public static void ConfigureMtaTls(this IWebHostBuilder builder, Contender contender)
    {
        if (contender is Contender.MtaTls or Contender.MtaTlsHttp2)
        {
            builder.UseMtaTls();
        }
    }
}
