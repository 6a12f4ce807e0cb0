using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MtaTls.Agent.Transport;

/// <summary>Counts the endpoints that the app has added in code. Kestrel has no public member for them. If a version of Kestrel does not have the private member either, the count is 0.</summary>
internal static class KestrelEndpointsAccessor
{
    public static int Count(KestrelServerOptions kestrel)
    {
        try
        {
            return Endpoints(kestrel).Length;
        }
        catch (MissingMethodException)
        {
            return 0;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetListenOptions")]
    private static extern ListenOptions[] Endpoints(KestrelServerOptions kestrel);
}
