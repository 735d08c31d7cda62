#!/usr/bin/env bash
# fastcrc 0.5.0, anycrc 2.1.0, crcmod 1.7 (Python), awscrt 0.38.1 (Python), crc64-ecma182.js 2.0.2 (npm): five ideas of CRC-64.
#
# OSS and OBS name their checksum header `…crc64ecma`. What they compute is the reflected form with all bits set before
# and after, which the catalogues of checksums call CRC-64/XZ. Libraries that have a function called ECMA-182 mean the
# other form by it, crcmod has no predefined one at all, and the default of anycrc is the wrong one. The npm package
# named ecma182 does compute the one of OSS, and what anycrc calls GO-ECMA does as well.
#
# Seen for "123456789": OSS and OBS 11051210869376104954 = fastcrc xz, anycrc CRC64-XZ and CRC64-GO-ECMA, crc64-ecma182.js;
#       fastcrc ecma_182 and anycrc CRC64-ECMA-182 and CRC64 7800480153909949255; Amazon's CRC64NVME 12577168950296156296.
#
# Why it matters: a check by the function of the same name reports every object as damaged. And CRC64NVME of Amazon S3,
# also 64 bits long, can never be compared with the value of OSS or OBS, nor turned into it.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv fastcrc==0.5.0 anycrc==2.1.0 crcmod==1.7 awscrt==0.38.1 oss2==2.19.1
npm_install crc64-ecma182.js@2.0.2
run_python venv <<'PY'
import anycrc
import crcmod.predefined
import fastcrc
from answering import expect
from awscrt import checksums
from oss2.utils import Crc64

data = b"123456789"
of_oss = Crc64()
of_oss.update(data)
expect("oss2", of_oss.crc, 11051210869376104954)
expect("fastcrc", {name: getattr(fastcrc.crc64, name)(data) for name in ("xz", "ecma_182")},
       {"xz": 11051210869376104954, "ecma_182": 7800480153909949255})
expect("anycrc", {name: anycrc.Model(name).calc(data) for name in ("CRC64-XZ", "CRC64-GO-ECMA", "CRC64-ECMA-182", "CRC64")},
       {"CRC64-XZ": 11051210869376104954, "CRC64-GO-ECMA": 11051210869376104954,
        "CRC64-ECMA-182": 7800480153909949255, "CRC64": 7800480153909949255})
predefined = {name: crcmod.predefined.mkCrcFun(name)(data) for name in ("crc-64", "crc-64-we", "crc-64-jones")}
expect("crcmod", predefined,
       {"crc-64": 5090661014116757502, "crc-64-we": 7128171145767219210, "crc-64-jones": 14602665702277640833})
expect("awscrt, crc64nvme", checksums.crc64nvme(data), 12577168950296156296)
PY
run_node <<'JS'
import crc from 'crc64-ecma182.js';
import { expect } from './answering.mjs';

expect('crc64-ecma182.js', String(crc.crc64(Buffer.from('123456789'))), '11051210869376104954');
JS
