"""The signs in Indonesian."""

from edge_agent.notice.words.catalogue import Words

INDONESIAN = Words(
    language="id",
    seconds=("detik", "detik"),
    minutes=("menit", "menit"),
    hours=("jam", "jam"),
    days=("hari", "hari"),
    bases={
        "consent": "persetujuan",
        "public_task": "tugas untuk kepentingan umum",
        "medical": "alasan medis",
        "safety": "keselamatan",
    },
    title="Kamera di ruangan ini memperkirakan ekspresi wajah dengan komputer",
    sample="Contoh: pengaturan ini menyebut simulasi atau rekaman, bukan kamera langsung.",
    what="Ini adalah sistem pengenalan emosi: kecerdasan buatan (AI) memperkirakan ekspresi yang tampak pada wajah, "
    "misalnya senang, sedih, atau terkejut. Sistem ini tidak dapat mengetahui perasaan seseorang.",
    no_picture="Tidak ada gambar yang disimpan atau dikirim. Sistem ini tidak mengenali siapa seseorang.",
    level_summary="Hanya angka tentang seluruh kelompok yang keluar dari perangkat, setiap {window}, dan hanya jika "
    "ada sedikitnya {min_group} orang yang terlihat.",
    level_summary_one="Hanya angka tentang orang yang terlihat yang keluar dari perangkat, setiap {window}. Ini juga "
    "berlaku jika hanya satu orang yang terlihat.",
    level_faces="Untuk setiap wajah, perangkat mengirim ekspresi yang tampak dan kapan ekspresi itu berubah, dengan "
    "nomor acak dan tanpa nama. Perangkat juga mengirim angka tentang kelompok setiap {window}.",
    boxes="Perangkat juga mengirim letak wajah di dalam gambar.",
    watched="Hanya sebagian dari gambar yang dianalisis: {names}.",
    ignored="Sebagian dari gambar tidak dianalisis: {names}.",
    unnamed_zone="tanyakan kepada orang yang disebut di bawah",
    led="Lampu di samping kamera menyala selama kamera terbuka.",
    wrong="Hasilnya sering salah, kira-kira satu dari tiga kali. Tidak ada yang dinilai, dihukum, atau dihakimi "
    "berdasarkan hasil ini.",
    kept="Perangkat menyimpan apa yang telah dikirim selama {kept}.",
    kept_memory="Perangkat menyimpan apa yang telah dikirim selama {kept}, paling lama sampai perangkat dimatikan.",
    kept_not="Perangkat tidak menyimpan apa yang telah dikirim.",
    rights="Anda boleh menanyakan apa yang disimpan, menyatakan keberatan, dan meminta penghapusannya.",
    law="Papan ini memberi tahu Anda sebagaimana diminta Pasal 50(3) Peraturan (UE) 2024/1689 (Undang-Undang AI).",
    purpose="Tujuan",
    basis="Dasar hukum",
    recipients="Yang melihat hasilnya",
    kept_elsewhere="Disimpan di sekolah selama",
    closed="Kamera ditutup",
    controller="Penanggung jawab",
    contact="Pertanyaan dan keberatan",
    officer="Petugas pelindungan data",
    authority="Pengaduan juga kepada",
    made="Dibuat pada {date} untuk {device}",
    room="ruang {room}",
    child_title="Ada kamera di ruangan ini",
    child_what="Komputer melihat wajah. Komputer menebak: apakah wajah ini tampak senang, sedih, atau terkejut?",
    child_no_picture="Komputer tidak mengambil foto. Komputer tidak tahu namamu.",
    child_summary="Komputer hanya mengatakan seperti apa raut wajah kalian semua secara bersama. Tidak ada yang "
    "dikatakan tentang kamu sendiri.",
    child_summary_one="Komputer mengatakan seperti apa raut wajah orang-orang di sini. Kalau kamu sendirian di sini, "
    "itu tentang kamu.",
    child_faces="Komputer mengatakan setiap wajah tampak seperti apa. Komputer tidak mengatakan itu wajah siapa.",
    child_wrong="Komputer sering salah. Kamu tidak dinilai dan tidak dimarahi karena itu.",
    child_led="Kalau lampu kecil menyala, kamera sedang menyala.",
    child_ask="Punya pertanyaan? Tidak mau ini? Bicaralah dengan {contact}.",
)
